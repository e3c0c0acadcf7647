// Warns of instruments on serial lines whose replies cannot be told apart by their length, with the place in the configuration.
// Refuses nothing: the quarantine after a timeout keeps late replies out all the same.

import { isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml'
import type { Configuration, Finding, SourceFile } from '#config/configuration.ts'
import { formatDuration } from '#core/time.ts'
import { replyClashes } from '#drivers/reply-clashes.ts'
import { groupsByBus } from '../runtime/resumption.ts'

/** One warning for each instrument with such reads, in the order of the configuration. */
export function replyLengthFindings({
  plant,
  buses,
  instruments,
  sources,
}: Configuration): Finding[] {
  const groups = groupsByBus(plant)
  return instruments.flatMap((instrument): Finding[] => {
    const bus = buses.find(({ id }) => id === instrument.bus)
    if (bus === undefined || bus.protocol === 'modbus-tcp') return []
    const its = (groups.get(bus.id) ?? []).filter((group) => group.instrument === instrument.id)
    const clashes = replyClashes(
      instrument,
      its.map(({ points, sampled }) => ({ signals: points.map(({ signal }) => signal), sampled })),
    )
    const [first] = clashes
    if (first === undefined) return []
    const { functionCode, address, quantity } = first
    return [
      {
        severity: 'warning',
        ...placeOf(sources, instrument.id),
        problem:
          `is asked for ${quantity} from address ${address} (function ${functionCode}), and the reply is as long as that of ` +
          `another read of it; only the quarantine of ${formatDuration(bus.lateReplyMs)} after a timeout (lateReply) keeps a ` +
          'late reply from being taken for it',
        remedy:
          'declare the registers beside it in the profile or allow limits.maxGap, so that reads can be padded to lengths of ' +
          'their own; or keep lateReply longer than the slowest reply',
        source: 'URS-10',
      },
    ]
  })
}

type Where = Pick<Finding, 'file' | 'line' | 'column' | 'key'>

/** Where an instrument stands: the file, and the id's place in it. */
function placeOf(sources: readonly SourceFile[], id: string): Where {
  for (const { path, text } of sources) {
    if (path.endsWith('.json')) continue
    const lines = new LineCounter()
    const list = parseDocument(text, { lineCounter: lines }).get('instruments')
    if (!isSeq(list)) continue
    for (const [index, item] of list.items.entries()) {
      const node = isMap(item) ? item.get('id', true) : undefined
      if (!isScalar(node) || node.value !== id || !node.range) continue
      const { line, col } = lines.linePos(node.range[0])
      return { file: path, line, column: col, key: `instruments[${index}]` }
    }
  }
  return { file: sources[0]?.path ?? '', line: 1, column: 1, key: 'instruments' }
}
