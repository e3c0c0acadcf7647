// URS-13: whatever is asked of the client or the port, nothing that writes reaches the wire.

import ModbusSerial from 'modbus-serial'
import { describe, expect, it } from 'vitest'
import { ClientPort } from '#drivers/modbus/client-port.ts'
import { FUNCTION_OF } from '#drivers/modbus/request.ts'

const READS = [1, 2, 3, 4]

describe('URS-13 no write function code can leave', () => {
  const codes = Array.from({ length: 256 }, (_, code) => code)

  it.each([0, 1, 13, 14, 15, 255])('over all 256 function codes, with %d behind', (second) => {
    const sent: number[] = []
    const port = new ClientPort((frame) => void sent.push(frame[1] ?? -1))
    const refused: number[] = []
    for (const code of codes) {
      try {
        port.write(Buffer.of(1, code, second, 0, 0, 1, 0, 0))
      } catch (error) {
        expect((error as Error).name).toBe('InvariantError')
        refused.push(code)
      }
    }
    const allowed = second === 14 ? [...READS, 43] : READS
    expect(sent).toEqual(allowed)
    expect(refused).toEqual(codes.filter((code) => !allowed.includes(code)))
  })

  it.each(codes.filter((code) => code !== 43 && !READS.includes(code)))(
    'the client cannot send function code %d either',
    (code) => {
      const sent: Uint8Array[] = []
      const client = new ModbusSerial.default(new ClientPort((frame) => void sent.push(frame)))
      client.open()
      expect(() => client.writeCustomFC(1, code, [0, 0, 0, 1], () => undefined)).toThrow(
        /does not read/,
      )
      expect(sent).toEqual([])
    },
  )

  it('the requests of the agent have no function code but those that read', () => {
    expect(Object.values(FUNCTION_OF).toSorted()).toEqual(READS)
  })
})
