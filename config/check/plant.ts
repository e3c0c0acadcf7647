// Checks of the plant as a whole: ids, zones, buses, broker, site. Decides what cannot be, apart from limits and timing.

import { formatKey, type Place, under } from '../document.ts'
import type { Findings } from '../findings.ts'
import type { Resolved, ResolvedBus, ResolvedInstrument } from '../resolve.ts'

/** `system` names the agent's own alarms. */
const RESERVED_IDS = ['system']

/** Checks everything that is not about a single point. */
export function checkPlant(resolved: Resolved, findings: Findings): void {
  checkIds(resolved, findings)
  checkZones(resolved, findings)
  checkBuses(resolved, findings)
  checkUnits(resolved, findings)
  checkAddresses(resolved, findings)
  checkSerials(resolved, findings)
  checkIdentity(resolved, findings)
  checkBroker(resolved, findings)
  checkAlarmPath(resolved, findings)
}

function checkIds({ model }: Resolved, findings: Findings): void {
  const seen = new Map<string, Place>()
  for (const ids of Object.values(model.ids)) {
    for (const [id, places] of ids) {
      for (const place of places) {
        const first = seen.get(id)
        if (first === undefined) {
          seen.set(id, place)
          if (!RESERVED_IDS.includes(id)) continue
          const problem = `is "${id}", which is reserved for alarms of the agent itself`
          findings.error(place, { problem, remedy: 'choose another id' })
          continue
        }
        const { line } = first.document.position(first.path, 'value')
        findings.error(place, {
          problem: `is "${id}", the id of ${formatKey(first.path.slice(0, -1))} (${first.document.name}:${line}) already`,
          remedy: 'choose another; zones, buses, instruments and points share one name space',
        })
      }
    }
  }
}

function checkZones({ model }: Resolved, findings: Findings): void {
  const outer = new Map(model.zones.map(({ value }) => [value.id, value.within]))
  for (const { value, place } of model.zones) {
    if (value.within === undefined) continue
    const at = under(place, 'within')
    if (!model.ids.zones.has(value.within)) {
      const known = [...model.ids.zones.keys()].filter((id) => id !== value.id).join(', ')
      findings.error(at, {
        problem: `names the zone "${value.within}", which does not exist`,
        remedy: `name the zone around it; zones: ${known}`,
      })
    } else if (isWithinItself(value.id, outer)) {
      findings.error(at, {
        problem: 'makes a zone lie within itself',
        remedy: 'name the zone around it, and let the outermost have none',
      })
    }
  }
}

function isWithinItself(id: string, outer: ReadonlyMap<string, string | undefined>): boolean {
  let zone = outer.get(id)
  for (let steps = 0; zone !== undefined && steps <= outer.size; steps++) {
    if (zone === id) return true
    zone = outer.get(zone)
  }
  return false
}

const STABLE_PATHS = ['/dev/serial/by-id/', '/dev/serial/by-path/']

function checkBuses({ buses }: Resolved, findings: Findings): void {
  const seen = new Map<string, ResolvedBus>()
  for (const bus of buses) {
    const { settings, input, place } = bus
    const serial = settings.protocol === 'modbus-rtu'
    const end = serial ? settings.path : `${settings.host.toLowerCase()}:${settings.port}`
    if (input.protocol === 'modbus-rtu' && input.allowUnstablePath !== true)
      checkPath(input.path, place, findings)
    if (serial) checkLine(bus, findings)
    checkLateReply(bus, findings)
    const other = seen.get(end)
    if (other === undefined) {
      seen.set(end, bus)
      continue
    }
    const words = {
      problem: `leads to ${end}, as the bus "${other.id}" does`,
      remedy:
        'put the instruments on one bus; two that know nothing of each other spoil their requests',
    }
    const at = under(place, serial ? 'path' : 'host')
    const gateways = settings.protocol === 'modbus-tcp' && other.settings.protocol === 'modbus-tcp'
    if (gateways) findings.warning(at, words)
    else findings.error(at, words)
  }
}

function checkLine({ line, unsettled, place }: ResolvedBus, findings: Findings): void {
  for (const key of unsettled) {
    findings.warning(under(place, key), {
      problem: `is not given, and the instruments on the bus leave the factory with different ones; ${line?.[key]} is used`,
      remedy: `set all instruments alike and give ${key}`,
    })
  }
}

/** Without a transaction id, waiting is all there is between a late reply and the next request. */
function checkLateReply({ settings, place }: ResolvedBus, findings: Findings): void {
  if (settings.protocol === 'modbus-tcp' || settings.lateReplyMs > 0) return
  findings.error(under(place, 'lateReply'), {
    problem: 'is 0, so that a late reply would be taken for the answer to the next request',
    remedy: 'give the longest time that a reply may be late, or leave it out',
    source: 'URS-10',
  })
}

function checkPath(path: string, place: Place, findings: Findings): void {
  if (STABLE_PATHS.some((prefix) => path.startsWith(prefix))) return
  findings.error(under(place, 'path'), {
    problem: `is "${path}", which may name another adapter after a restart`,
    remedy: 'give the path below /dev/serial/by-id/ or by-path/, or add allowUnstablePath: true',
  })
}

function checkUnits({ instruments }: Resolved, findings: Findings): void {
  const seen = new Map<string, string>()
  for (const { own, place, bus, unitId } of instruments) {
    if (bus === undefined || unitId === undefined) continue
    const key = `${bus.id} ${unitId}`
    const other = seen.get(key)
    if (other === undefined) {
      seen.set(key, own.id)
      continue
    }
    findings.error(under(place, 'unitId'), {
      problem: `is ${unitId}, which the instrument "${other}" has on the bus "${bus.id}" already`,
      remedy: 'give each instrument on a bus a unit identifier of its own',
    })
  }
}

/** Addresses of a serial line (Modbus over serial line V1.02, 2.2): 0 is for everybody and is never answered. */
const ADDRESS_MAX = 247

function checkAddresses({ instruments }: Resolved, findings: Findings): void {
  for (const { place, bus, unitId } of instruments) {
    if (bus === undefined || unitId === undefined || bus.settings.protocol === 'modbus-tcp')
      continue
    const at = under(place, 'unitId')
    if (unitId === 0) {
      findings.error(at, {
        problem: 'is 0, which on a serial line is everybody and answered by nobody',
        remedy: `give the address that is set on the instrument, 1 to ${ADDRESS_MAX}`,
      })
    } else if (unitId > ADDRESS_MAX) {
      findings.warning(at, {
        problem: `is ${unitId}, and addresses above ${ADDRESS_MAX} are reserved on a serial line`,
        remedy: 'set another address on the instrument, unless its manual gives this one',
      })
    }
  }
}

/** Makers number each of a model anew; two that are said to be the same one are a slip, or one device with two unit ids. */
function checkSerials({ instruments }: Resolved, findings: Findings): void {
  const seen = new Map<string, string>()
  for (const { own, place, profile } of instruments) {
    if (own.serial === undefined || profile === undefined) continue
    const key = `${profile.id} ${own.serial}`
    const other = seen.get(key)
    if (other === undefined) {
      seen.set(key, own.id)
      continue
    }
    findings.warning(under(place, 'serial'), {
      problem: `is "${own.serial}", as of the instrument "${other}" of the same profile`,
      remedy: 'correct one of them, unless both are the same device',
      source: 'URS-14',
    })
  }
}

/**
 * Where grade A or B or a critical point depends on an instrument that cannot tell its serial number, or of which none is given,
 * its unit identifier is all there is to know it by, wherever it is plugged in; unless it has a network address of its own
 * (decision 0031).
 */
function checkIdentity({ instruments, points }: Resolved, findings: Findings): void {
  const onLine = instruments.filter((instrument) => !hasOwnAddress(instrument, instruments))
  for (const instrument of onLine) {
    const { own, place, bus, profile, unitId } = instrument
    if (bus === undefined || profile === undefined || unitId === undefined) continue
    const canTell = profile.identify?.serial !== undefined
    if (canTell && own.serial !== undefined) continue
    const point = points.find(
      ({ instrument: its, input, zone }) =>
        its === instrument &&
        (input.critical === true || zone?.grade === 'A' || zone?.grade === 'B'),
    )
    const other = onLine.find((candidate) => {
      return candidate.unitId === unitId && candidate.bus !== undefined && candidate.bus !== bus
    })
    if (point === undefined || other === undefined) continue
    const what = point.input.critical === true ? 'critical' : `grade ${point.zone?.grade}`
    const why = canTell ? 'has no serial given' : 'cannot tell its serial number'
    const words = {
      problem:
        `is ${unitId}, which the instrument "${other.own.id}" has on the bus "${other.own.bus}" too; ${own.id} serves the ` +
        `${what} point ${point.input.id} and ${why}, so crossed cables would not be noticed`,
      remedy: `${canTell ? 'give its serial, or ' : ''}give it a unit identifier that no other instrument of the gateway has`,
      source: 'Annex 1 9.16, URS-14',
    }
    if (canTell) findings.warning(under(place, 'unitId'), words)
    else findings.error(under(place, 'unitId'), words)
  }
}

/** Alone at an address of the network, set in the instrument as a unit identifier is: no line leads to it that could be crossed. */
const hasOwnAddress = (
  { bus }: ResolvedInstrument,
  instruments: readonly ResolvedInstrument[],
): boolean =>
  bus?.settings.protocol === 'modbus-tcp' &&
  instruments.filter((instrument) => instrument.bus === bus).length === 1

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/
const SCHEMES = ['mqtt:', 'mqtts:']

/** A test alarm that no broker takes would never come back. */
function checkAlarmPath({ model: { alarmPath, mqtt } }: Resolved, findings: Findings): void {
  if (alarmPath === undefined || mqtt !== undefined) return
  findings.error(alarmPath.place, {
    problem: 'asks for a test alarm to the broker and back, and there is no broker',
    remedy: 'add mqtt, or leave alarmPath out',
    source: 'URS-41',
  })
}

function checkBroker({ model: { mqtt } }: Resolved, findings: Findings): void {
  if (mqtt === undefined) return
  const { value, place } = mqtt
  if ((value.url === undefined) !== (value.embedded === true)) {
    findings.error(under(place, 'url'), {
      problem: value.url === undefined ? 'is missing' : 'is given beside embedded: true',
      remedy: 'give either url, such as mqtts://broker.example:8883, or embedded: true',
    })
  }
  if ((value.certFile === undefined) !== (value.keyFile === undefined)) {
    const lacking = value.certFile === undefined ? 'certFile' : 'keyFile'
    const remedy = 'give certFile and keyFile together'
    findings.error(under(place, lacking), { problem: 'is missing beside its pair', remedy })
  }
  if (value.passwordFile !== undefined && value.usernameFile === undefined) {
    const remedy = 'give usernameFile and passwordFile together'
    findings.error(under(place, 'usernameFile'), { problem: 'is missing beside its pair', remedy })
  }
  if (value.url !== undefined) checkUrl(value.url, value.allowPlaintext === true, place, findings)
}

function checkUrl(text: string, allowPlaintext: boolean, place: Place, findings: Findings): void {
  const at = under(place, 'url')
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !SCHEMES.includes(url.protocol) || url.hostname === '') {
    const problem = 'is no address of a broker'
    findings.error(at, { problem, remedy: 'write it as mqtts://HOST:8883 or mqtt://HOST:1883' })
    return
  }
  if (url.username !== '' || url.password !== '') {
    findings.error(at, {
      problem: 'holds a user name or password',
      remedy: 'put them into files and name these with usernameFile and passwordFile',
    })
  }
  if (url.protocol === 'mqtt:' && !LOOPBACK.test(url.hostname) && !allowPlaintext) {
    findings.error(at, {
      problem: `is not encrypted and leaves this machine (${url.hostname})`,
      remedy: 'use mqtts://, or add allowPlaintext: true if the network is protected otherwise',
    })
  }
}
