// Reads the certificates of the way to the broker from their files. Judges nothing.

import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Certificate } from './certificate-watch.ts'

const PEM = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

/** Every certificate of the files, in their order; a file or certificate that cannot be read is left out. */
export function readCertificates(files: readonly string[]): Certificate[] {
  return files.flatMap((file) => {
    try {
      return [...readFileSync(file, 'utf8').matchAll(PEM)].map(([pem]) => {
        const { subject, validFrom, validTo } = new X509Certificate(pem)
        return {
          file,
          subject: (subject ?? '').replaceAll('\n', ', '),
          notBefore: Date.parse(validFrom),
          notAfter: Date.parse(validTo),
        }
      })
    } catch {
      return []
    }
  })
}
