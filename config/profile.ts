// From a profile as written to the profile drivers work with: every default filled in. Pure; never reads a file.

import type {
  IdentifySpec,
  ObjectSpec,
  Profile,
  RegisterSpec,
  SampleSpec,
  SignalSpec,
  StatusSpec,
} from '#drivers/profile.ts'
import type { KeyPath } from './document.ts'
import type { ProfileInput, RegisterInput } from './schema/profile.ts'

const READ_DEFAULTS = { maxRegistersPerRead: 125, maxGap: 0, turnaroundMs: 20 }

type SignalInput = ProfileInput['signals'][number]
type StatusInput = NonNullable<ProfileInput['status']>[number]
type SampleInput = NonNullable<ProfileInput['sample']>
type ScaledInput = NonNullable<SampleInput['duration']>

/** Fills in the defaults of contract §2. */
export function compileProfile(input: ProfileInput): Profile {
  const { source, limits, serialDefaults } = input
  return {
    id: input.id,
    ...present('manufacturer', input.manufacturer),
    ...present('model', input.model),
    protocol: input.protocol,
    ...(serialDefaults && {
      serialDefaults: {
        ...present('baudRate', serialDefaults.baudRate),
        ...present('dataBits', serialDefaults.dataBits),
        ...present('parity', serialDefaults.parity),
        ...present('stopBits', serialDefaults.stopBits),
        ...present('unitId', serialDefaults.unitId),
      },
    }),
    source: {
      document: source.document,
      ...present('revision', source.revision),
      confirmedOnHardware: source.confirmedOnHardware ?? false,
    },
    limits: {
      maxRegistersPerRead: limits?.maxRegistersPerRead ?? READ_DEFAULTS.maxRegistersPerRead,
      maxGap: limits?.maxGap ?? READ_DEFAULTS.maxGap,
      turnaroundMs: limits?.turnaroundMs ?? READ_DEFAULTS.turnaroundMs,
    },
    ...present('intervalMs', input.interval),
    signals: input.signals.map(signalOf),
    status: (input.status ?? []).map(statusOf),
    ...(input.sample && { sample: sampleOf(input.sample) }),
    ...(input.identify && { identify: identifyOf(input.identify) }),
  }
}

/** A key with its value, or nothing where there is none. */
export const present = <K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } =>
  value === undefined ? {} : ({ [key]: value } as { [P in K]?: V })

const registerOf = ({ table, address, type, byteOrder }: RegisterInput): RegisterSpec => ({
  table,
  address,
  type,
  byteOrder: byteOrder ?? 'ABCD',
})

const scaledOf = (input: ScaledInput) => ({ ...registerOf(input), scale: input.scale ?? 1 })

function signalOf(input: SignalInput): SignalSpec {
  return {
    ...registerOf(input),
    name: input.name,
    quantity: input.quantity,
    unit: input.unit,
    ...present('reference', input.reference),
    scale: input.scale ?? 1,
    offset: input.offset ?? 0,
    ...present('range', input.range),
    invalid: input.invalid ?? [],
    ...present('stuckAfterMs', input.stuckAfter),
    ...present('sizeUm', sizeOf(input)),
    ...present('sourcePage', input.sourcePage),
  }
}

/** Particle size of a signal in µm: as given, or as its name tells (`particles_0_5um`). */
export function sizeOf(signal: SignalInput): number | undefined {
  if (signal.quantity !== 'particle_concentration') return signal.sizeUm
  const match = /^particles_(\d+)(?:_(\d+))?um$/.exec(signal.name)
  const named = match === null ? undefined : Number(`${match[1]}.${match[2] ?? 0}`)
  return signal.sizeUm ?? named
}

function statusOf(input: StatusInput): StatusSpec {
  return {
    ...registerOf(input),
    bits: input.bits ?? [],
    ...present('healthy', input.healthy),
    ...present('reason', input.reason),
    ...present('signals', input.signals),
  }
}

function sampleOf(input: SampleInput): SampleSpec {
  const { identity, newest } = input
  return {
    identity: { ...registerOf(identity), kind: identity.kind },
    ...(input.time && { time: registerOf(input.time) }),
    ...(input.clock && { clock: registerOf(input.clock) }),
    ...(input.duration && { duration: scaledOf(input.duration) }),
    ...(input.hold && { hold: scaledOf(input.hold) }),
    ...(input.volume && { volume: scaledOf(input.volume) }),
    ...(input.flow && { flow: scaledOf(input.flow) }),
    defaultDurationMs: input.defaultDuration,
    counts: input.counts,
    content: input.content,
    status: (input.status ?? []).map(statusOf),
    ...(input.channelMask && { channelMask: registerOf(input.channelMask) }),
    ...(newest && { newest: { ...registerOf(newest), equals: newest.equals } }),
  }
}

function identifyOf({
  model,
  serial,
  firmware,
}: NonNullable<ProfileInput['identify']>): IdentifySpec {
  return {
    ...(model && { model: identifiedBy(model) }),
    ...(serial && { serial: identifiedBy(serial) }),
    ...(firmware && { firmware: identifiedBy(firmware) }),
  }
}

const identifiedBy = (input: RegisterInput | ObjectSpec): RegisterSpec | ObjectSpec =>
  'object' in input ? { object: input.object } : registerOf(input)

/** Every register that a profile names, with the path it stands at. */
export function registersOf(
  input: ProfileInput,
): { readonly register: RegisterInput; readonly path: KeyPath }[] {
  const { sample, identify } = input
  const found: { register: RegisterInput; path: KeyPath }[] = []
  const take = (register: RegisterInput | undefined, ...path: KeyPath): void => {
    if (register !== undefined) found.push({ register, path })
  }
  for (const [index, signal] of input.signals.entries()) take(signal, 'signals', index)
  for (const [index, status] of (input.status ?? []).entries()) take(status, 'status', index)
  for (const [index, status] of (sample?.status ?? []).entries()) {
    take(status, 'sample', 'status', index)
  }
  const parts = ['identity', 'time', 'clock', 'duration', 'hold', 'volume', 'flow'] as const
  for (const part of [...parts, 'channelMask', 'newest'] as const) {
    take(sample?.[part], 'sample', part)
  }
  for (const part of ['model', 'serial', 'firmware'] as const) {
    const spec = identify?.[part]
    if (spec !== undefined && !('object' in spec)) take(spec, 'identify', part)
  }
  return found
}
