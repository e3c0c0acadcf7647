// What a reading is worth and why: the closed sets of contract §3.

export const QUALITIES = ['good', 'uncertain', 'bad'] as const
export type Quality = (typeof QUALITIES)[number]

/** Reasons of a reading without a value. */
export const BAD_REASONS = [
  'timeout',
  'crc',
  'frame',
  'exception',
  'busy',
  'gateway',
  'disconnected',
  'parked',
  'slot_missed',
  'no_new_sample',
  'nan',
  'sentinel',
  'out_of_range',
  'implausible_zero',
  'sensor_fault',
  'flow_fault',
  'laser_fault',
  'identity',
  'config_changed',
  'agent_down',
  'out_of_service',
] as const
export type BadReason = (typeof BAD_REASONS)[number]

/** Reasons of a value that may raise an alarm but never clears one. */
export const UNCERTAIN_REASONS = [
  'over_range',
  'stuck',
  'warmup',
  'rate',
  'clock',
  'counter_reset',
  'swap_pending',
] as const
export type UncertainReason = (typeof UNCERTAIN_REASONS)[number]

export type QualityReason = BadReason | UncertainReason
