// Connects the watch of the certificates to a running agent and to the files its configuration names. Decides nothing.

import type { Clock } from '#ports/clock.ts'
import type { Log } from '#ports/log.ts'
import type { Agent } from './runtime/agent.ts'
import { CertificateWatch } from './runtime/certificate-watch.ts'
import { readCertificates } from './runtime/system-certificates.ts'

const ALARM = 'system.certificate_expiring'

/** Watches the files of `mqtt.certFile` and `mqtt.caFile` as they are now, also after another configuration or renewal. */
export function watchCertificates(
  agent: Agent,
  { clock, log }: { clock: Clock; log: Log },
): CertificateWatch {
  const watch = new CertificateWatch({
    ...{ clock, log },
    read: () => {
      const { certFile, caFile } = agent.configuration.mqtt ?? {}
      return readCertificates([certFile, caFile].filter((file) => file !== undefined))
    },
    trusted: () => !agent.loop.state.doubtful,
    active: () => agent.loop.state.alarms.get(ALARM)?.state.active === true,
    condition: (active, detail) =>
      agent.input({
        ...{ kind: 'condition', at: clock.now(), alarm: ALARM, active },
        ...(detail !== undefined && { detail }),
      }),
  })
  watch.start()
  return watch
}
