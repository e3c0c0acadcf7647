// The demo on a narrow terminal: nothing is wider than it, no word is cut, and what is told to be typed stands in one line.

import { describe, expect, it } from 'vitest'
import { demoScreen } from '../../../agent/cli/demo-screen.ts'
import { fold, width } from '../../../agent/cli/output.ts'
import { PLANT } from '../../support/core-plant.ts'
import { spoken } from '../../support/spoken.ts'

const COLUMNS = 80

/** Everything that the demo says, on a terminal of that many columns or on none. */
function shown(columns: number | undefined): string[] {
  const { output, data } = spoken()
  const screen = demoScreen(false, { ...output, columns })
  screen.opening(PLANT, {
    brokerUrl: 'mqtt://127.0.0.1:65535',
    dataDir: '/tmp/cleanroom-demo-AjfS07/data',
    buses: [
      {
        id: 'net-pressure',
        address: '127.0.0.1:65535',
        instruments: ['dp-b101-pal', 'dp-b101-mal', 'dp-pal-d103', 'dp-c102-d103'],
      },
    ],
    people: [{ user: 'anna', name: 'Anna Bianchi', role: 'technician', pin: '2468' }],
  })
  const body = {
    alarm: 'bsc1-p05.action_high',
    occ: '01M8QWZPVCRDAY5E000000007H',
    class: 'action',
    priority: 1,
    zone: 'bsc-1',
    value: 6148.2,
    limit: { value: 3520, unit: '/m³' },
  }
  screen.event({ type: 'alarm.activated', ts: 0, body } as never, PLANT)
  const newest = { q: 'good', v: 12_300 } as never
  screen.pulse(0, PLANT, () => newest, 2)
  return data().split('\n')
}

describe('URS-64 the screen of the demo', () => {
  it('fits a terminal of 80 columns, with every word of a wide one', () => {
    const lines = shown(COLUMNS)
    expect(lines.filter((line) => width(line) > COLUMNS)).toEqual([])
    const words = (text: readonly string[]) => text.join(' ').split(/\s+/)
    expect(words(lines)).toEqual(words(shown(undefined)))
    expect(lines).toContain(
      '  npm run -s agent -- ack OCCURRENCE -u anna -r door_opened -m "airlock door"',
    )
  })

  it('is not folded where no terminal shows it', () => {
    const alarm = shown(undefined).find((line) => line.includes('ALARM')) ?? ''
    expect(alarm).toMatch(/bsc1-p05\.action_high .*6148 \/m³, limit 3520 \/m³$/)
  })

  it('goes on further in, never cuts a word, and counts no colours', () => {
    expect(fold('ab cd  ef', 5, 2)).toBe('ab cd\n  ef')
    expect(fold('abcdefgh ij', 5, 2)).toBe('abcdefgh\n  ij')
    expect(fold('\u001b[1mab\u001b[22m cd', 5, 2)).toBe('\u001b[1mab\u001b[22m cd')
  })
})
