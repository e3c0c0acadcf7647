// `scan adapters`: the serial adapters of this machine, the names to put into a configuration, and who holds them.
// Lists and nothing else; opens no port.

import { type Adapter, type AdapterList, listAdapters } from '#drivers/commissioning/adapters.ts'
import { EXIT } from './exit-code.ts'
import { type Output, printable, printJson, table } from './output.ts'

/** An FTDI chip that keeps bytes back longer than this costs every poll as much. */
const LATENCY_TIMER_MS = 1

/** Lists the adapters; 0 when there is one, else 1. */
export async function scanAdapters(
  options: { readonly json?: boolean },
  output: Output,
  list: () => Promise<AdapterList> = listAdapters,
): Promise<number> {
  const found = await list()
  const { adapters, remarks } = found
  if (options.json === true) printJson(output, found)
  else {
    for (const remark of remarks) output.talk(printable(remark))
    if (adapters.length === 0) output.talk(NONE)
    else output.data(adaptersText(adapters))
  }
  return adapters.length > 0 ? EXIT.ok : EXIT.no
}

const NONE =
  'There is no serial adapter. Plug it in and look at the end of: dmesg; in a virtual machine or container it has to be passed through.'

/** The adapters as a table; the first stable name is the one for `path` in the configuration. */
export function adaptersText(adapters: readonly Adapter[]): string {
  const heads = ['DEVICE', 'PATH FOR THE CONFIGURATION', 'MAKER', 'USB', 'SERIAL', 'HELD BY', '']
  return table([heads, ...adapters.map(adapterRow)])
}

function adapterRow(adapter: Adapter): string[] {
  const { device, stable, manufacturer, usb, serialNumber, holder, latencyTimerMs } = adapter
  const slow = latencyTimerMs !== undefined && latencyTimerMs > LATENCY_TIMER_MS
  return [
    device,
    stable[0] ?? '- (no stable name)',
    manufacturer ?? '-',
    usb ?? '-',
    serialNumber ?? '-',
    holder === undefined ? '-' : `${holder.words}${holder.locked ? ', locked' : ''}`,
    slow ? `latency timer ${latencyTimerMs} ms; set it to ${LATENCY_TIMER_MS}` : '',
  ].map(printable)
}
