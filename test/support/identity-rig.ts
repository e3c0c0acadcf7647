// The poller with the watch of identities and the real driver, on a fake line in virtual time: one instrument, one point.

import type { Input, SlotResult } from '#core/input.ts'
import type { Sample } from '#core/particle.ts'
import type { BusSettings, IdentifySpec, Profile } from '#drivers/profile.ts'
import { silentLog } from '#ports/log.ts'
import { IdentityWatch } from '../../agent/runtime/identity.ts'
import { Poller } from '../../agent/runtime/poller.ts'
import { brief, driverOf, instrument, profileOf, rtuBus, signal, tcpBus } from './driver-rig.ts'
import { FakeWire } from './fake-wire.ts'
import { virtualClock } from './virtual-clock.ts'

export const AT = { table: 'holding_register', byteOrder: 'ABCD' } as const
const WHO: IdentifySpec = {
  serial: { ...AT, address: 100, type: 'string8' },
  firmware: { ...AT, address: 104, type: 'u16' },
}

export const identityLine = rtuBus({ timeoutMs: 100, lateReplyMs: 300 })

interface Given {
  readonly serial?: string
  readonly strict?: boolean
  readonly identify?: IdentifySpec | undefined
  readonly bus?: BusSettings
  readonly profile?: Partial<Profile>
  readonly sampled?: boolean
  /** The one signal of the point, where the profile is given. */
  readonly signal?: string
}

export function identityRig({
  serial,
  strict = true,
  identify = WHO,
  bus = tcpBus(502),
  ...given
}: Given) {
  const clock = virtualClock()
  const wire = new FakeWire(clock, bus.protocol === 'modbus-tcp' ? 'mbap' : 'rtu')
  const profile = profileOf([signal('a', 0)], {
    ...(identify && { identify }),
    ...given.profile,
  })
  const unit = instrument('dp-1', 1, profile)
  const driver = driverOf(bus, [unit], { clock, open: wire.open })
  const slots: SlotResult[] = []
  const samples: Sample[] = []
  const inputs: Input[] = []
  const at = clock.now()
  const identity = new IdentityWatch({
    bus: bus.id,
    driver,
    clock,
    log: silentLog,
    targets: [{ instrument: 'dp-1', strict, ...(serial !== undefined && { serial }) }],
    input: (input) => void inputs.push(input),
  })
  const poller = new Poller({
    bus: bus.id,
    driver,
    clock,
    identity,
    log: silentLog,
    first: new Map(),
    base: { tb: 0, offsetMs: at.wall - at.mono },
    groups: [
      {
        instrument: 'dp-1',
        intervalMs: 1000,
        sampled: given.sampled ?? false,
        points: [{ point: 'p', signal: given.signal ?? 'a' }],
      },
    ],
    sink: {
      slots: (results) => slots.push(...results),
      sample: (_instrument, sample) => void samples.push(sample),
      noSample: () => {},
    },
  })
  const found = wire.unit(1)
  found.set(3, 0, 7)
  const name = (text: string, firmware = 312) => {
    const bytes = Buffer.alloc(8)
    bytes.write(text, 'latin1')
    found.set(3, 100, ...[0, 2, 4, 6].map((offset) => bytes.readUInt16BE(offset)), firmware)
  }
  name('S-1')
  /** Results since the last look, in a few words each. */
  const since = () =>
    slots.splice(0).map(({ result, slots: n }) => `${brief(result)}${n ? `×${n}` : ''}`)
  const notes = () =>
    inputs.flatMap((input) => (input.kind === 'note' ? [{ type: input.type, ...input.body }] : []))
  const alarms = () =>
    inputs.flatMap((input) =>
      input.kind === 'condition' ? [`${input.alarm} ${input.active}`] : [],
    )
  const questions = () => wire.requests.filter(({ address }) => address === 100).length
  return { clock, wire, found, slots, samples, poller, name, since, notes, alarms, questions }
}
