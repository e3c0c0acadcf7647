// Horn and stack light: whether the module is on a bus of its own, and each output that is enabled is named by its profile
// (URS-13). Decides nothing about what they show.

import { OUTPUTS, type OutputName } from '#core/annunciation.ts'
import { minuteOf, WEEKDAYS } from '#core/local-time.ts'
import { MINUTE, SECOND } from '#core/time.ts'
import type { OutputSettings } from '#drivers/profile.ts'
import type { Catalogue } from '../catalogue.ts'
import type { AnnunciatorSettings } from '../configuration.ts'
import { type Place, under } from '../document.ts'
import { type Findings, suggest } from '../findings.ts'
import type { Resolved } from '../resolve.ts'
import type { AnnunciatorInput, OutputProfileInput } from '../schema/annunciator.ts'

const HEARTBEAT_DEFAULT_MS = 2 * SECOND
const HORN_DEFAULT = 2
const SILENCE_DEFAULT_MS = 5 * MINUTE
const UNIT_DEFAULT = 1

/** The annunciator of a configuration, checked; undefined where there is none or something of it cannot be. */
export function checkAnnunciator(
  { model, buses, instruments }: Resolved,
  catalogue: Catalogue,
  findings: Findings,
): AnnunciatorSettings | undefined {
  if (model.annunciator === undefined) return undefined
  const { value, place } = model.annunciator
  const profile = catalogue.output(value.profile, under(place, 'profile'))
  const bus = buses.find(({ id }) => id === value.bus)
  if (!model.ids.buses.has(value.bus)) {
    findings.error(under(place, 'bus'), {
      problem: `names the bus "${value.bus}", which does not exist`,
      remedy: suggest(value.bus, [...model.ids.buses.keys()], 'buses'),
    })
  }
  const shared = instruments.find(({ own }) => own.bus === value.bus)
  if (shared !== undefined) {
    findings.error(under(place, 'bus'), {
      problem: `is "${value.bus}", which the instrument "${shared.own.id}" is on; a horn must not wait for an instrument`,
      remedy: 'give the output module a bus of its own',
      source: 'URS-13, URS-30',
    })
  }
  if (profile === undefined) return undefined
  checkOutputs(value, profile, place, findings)
  if (bus === undefined) return undefined
  const output: OutputSettings = {
    bus: bus.settings,
    unitId: value.unitId ?? UNIT_DEFAULT,
    write: profile.write,
    readBack: profile.readBack ?? true,
    coils: profile.outputs
      .filter(({ name }) => value.outputs.includes(name))
      .map(({ name, address }) => ({ name, address })),
  }
  return { ...settingsOf(value), profile: profile.id, output }
}

const settingsOf = ({ heartbeat, horn, silence, selfTest }: AnnunciatorInput) => ({
  heartbeatMs: heartbeat ?? HEARTBEAT_DEFAULT_MS,
  hornPriority: horn ?? HORN_DEFAULT,
  silenceMs: silence ?? SILENCE_DEFAULT_MS,
  ...(selfTest !== undefined && {
    selfTest: { days: selfTest.days ?? WEEKDAYS, minute: minuteOf(selfTest.at) },
  }),
})

function checkOutputs(
  { outputs }: AnnunciatorInput,
  profile: OutputProfileInput,
  place: Place,
  findings: Findings,
): void {
  const named: readonly OutputName[] = profile.outputs.map(({ name }) => name)
  for (const [index, name] of outputs.entries()) {
    const at = under(place, 'outputs', index)
    if (!named.includes(name)) {
      findings.error(at, {
        problem: `is "${name}", which the profile ${profile.id} names no coil for`,
        remedy: `enable only what it names: ${named.join(', ')}; or give a profile of your own`,
        source: 'URS-13',
      })
    } else if (outputs.indexOf(name) !== index) {
      findings.error(at, { problem: `is "${name}" a second time`, remedy: 'keep one of the two' })
    }
  }
  for (const name of OUTPUTS.filter((output) => output === 'horn' || output === 'healthy')) {
    if (outputs.includes(name)) continue
    const lost =
      name === 'horn'
        ? 'nobody hears an alarm'
        : 'nothing shows it when the agent, its host or its power dies'
    findings.warning(under(place, 'outputs'), {
      problem: `does not enable "${name}", so that ${lost}`,
      remedy: `add ${name} and wire it as docs/annunciator.md says`,
      source: name === 'horn' ? 'Annex 1 4.16, URS-30' : 'Annex 1 4.16, URS-73',
    })
  }
}
