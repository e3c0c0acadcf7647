// A configuration as the rest of the agent gets it: checked, compiled, all defaults filled in.

import type { GuidanceTexts } from '#core/guidance.ts'
import type { Moments } from '#core/local-time.ts'
import type { Plant } from '#core/point.ts'
import type { Millis } from '#core/time.ts'
import type { BusSettings, InstrumentSettings, OutputSettings } from '#drivers/profile.ts'
import type { BusBudget } from './bus-budget.ts'
import type { Language } from './guidance.ts'

/** Way to the broker; secrets are files, never values. */
export interface MqttSettings {
  /** Absent when the built-in broker is used. */
  readonly url?: string
  readonly embedded: boolean
  readonly caFile?: string
  readonly certFile?: string
  readonly keyFile?: string
  readonly usernameFile?: string
  readonly passwordFile?: string
  /** Consumers whose `confirm` counts. */
  readonly consumers: readonly string[]
  readonly live: boolean
  readonly commands: boolean
}

export const APPROVALS = ['none', 'second_person'] as const
/** What a changed configuration needs before it is in force. */
export type Approval = (typeof APPROVALS)[number]

/** Horn and stack light. */
export interface AnnunciatorSettings {
  /** Id of the output module's profile. */
  readonly profile: string
  readonly output: OutputSettings
  /** Longest time between two writes. */
  readonly heartbeatMs: Millis
  /** The least urgent priority that sounds the horn. */
  readonly hornPriority: number
  /** Longest silence. */
  readonly silenceMs: Millis
  readonly selfTest?: Moments
}

/** A file that takes part in the configuration, kept with the accepted one (URS-68). */
export interface SourceFile {
  /** Absolute path. */
  readonly path: string
  /** `profiles/ee600.json`: it comes with the agent, wherever that is installed (config/kept.ts). */
  readonly builtIn?: string
  readonly text: string
}

export interface Configuration {
  readonly plant: Plant
  readonly buses: readonly BusSettings[]
  readonly instruments: readonly InstrumentSettings[]
  readonly mqtt?: MqttSettings
  readonly annunciator?: AnnunciatorSettings
  /** Absolute path. */
  readonly dataDir: string
  /** Records are kept at least this long; for ever where absent (URS-52). */
  readonly retentionMs?: Millis
  /** Who has to agree to a change: `second_person`, or nobody beyond whoever may write the file (URS-68). */
  readonly approval: Approval
  /** Language of the guidance in records. */
  readonly language: Language
  /** What the site says of its alarms over the usual texts. */
  readonly siteGuidance?: GuidanceTexts
  /** The file named first, then includes, profiles and limit sets, in order of reading. */
  readonly sources: readonly SourceFile[]
}

/** One fault or warning: `FILE:LINE:COLUMN  key.path  what is wrong; what to do`. */
export interface Finding {
  readonly severity: 'error' | 'warning'
  readonly file: string
  readonly line: number
  readonly column: number
  /** `buses[0].baudRate` */
  readonly key: string
  /** What is wrong. */
  readonly problem: string
  /** What to do. */
  readonly remedy: string
  /** Clause or requirement it stands on, e.g. `Annex 1 Table 5, URS-17`. */
  readonly source?: string
}

export type Loaded =
  | {
      readonly ok: true
      readonly configuration: Configuration
      readonly findings: readonly Finding[]
      /** The bus budgets with their arithmetic (URS-24), in the order of the buses. */
      readonly budgets?: readonly BusBudget[]
    }
  | { readonly ok: false; readonly findings: readonly Finding[] }
