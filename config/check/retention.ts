// Checks of how long records are kept (URS-52): what is removed must have gone somewhere first. Decides nothing of the files.

import { under } from '../document.ts'
import type { Findings } from '../findings.ts'
import type { Resolved } from '../resolve.ts'

/** Checks `gateway.retention` against the way out. */
export function checkRetention({ model }: Resolved, findings: Findings): void {
  const { gateway, mqtt } = model
  if (gateway?.value.retention === undefined) return
  const at = under(gateway.place, 'retention')
  if (mqtt === undefined) {
    findings.error(at, {
      problem:
        'is given without mqtt, so that nothing is ever delivered and nothing could be removed',
      remedy: 'add mqtt with its consumers, or remove it and keep records for ever',
      source: 'URS-48, URS-52',
    })
    return
  }
  if ((mqtt.value.consumers ?? []).length > 0) return
  findings.warning(at, {
    problem:
      'is given without mqtt.consumers: that the broker took a record does not say that anybody stored it',
    remedy: 'name the consumers whose confirm is waited for before a record is removed',
    source: 'URS-48, URS-52',
  })
}
