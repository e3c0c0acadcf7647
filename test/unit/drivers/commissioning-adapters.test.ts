// The list of serial adapters, from directories that look like the system's.

import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { type AdapterSources, listAdapters } from '#drivers/commissioning/adapters.ts'
import { commandWords, portHolder } from '#drivers/link/port-holder.ts'
import { removeDirectory, temporaryDirectory } from '../../support/processes.ts'

describe('URS-60 serial adapters', () => {
  const undo: (() => void)[] = []
  afterEach(() => {
    for (const step of undo.splice(0)) step()
  })

  function machine(over: Partial<AdapterSources> = {}): { root: string; sources: AdapterSources } {
    const root = temporaryDirectory('adapters')
    undo.push(() => removeDirectory(root))
    for (const folder of ['dev', 'serial/by-id', 'serial/by-path', 'sys/ttyUSB0'])
      mkdirSync(path.join(root, folder), { recursive: true })
    for (const tty of ['ttyUSB0', 'ttyUSB10', 'ttyS0'])
      writeFileSync(path.join(root, 'dev', tty), '')
    symlinkSync('../../dev/ttyUSB0', path.join(root, 'serial/by-id/usb-FTDI_A1-if00-port0'))
    symlinkSync('../../dev/ttyUSB0', path.join(root, 'serial/by-path/pci-0:1'))
    symlinkSync('../../dev/ttyUSB10', path.join(root, 'serial/by-path/pci-0:2'))
    symlinkSync('../../dev/gone', path.join(root, 'serial/by-path/pci-0:3'))
    writeFileSync(path.join(root, 'sys/ttyUSB0/latency_timer'), '16\n')
    const device = (tty: string) => path.join(root, 'dev', tty)
    return {
      root,
      sources: {
        stableNames: path.join(root, 'serial'),
        usbSerial: path.join(root, 'sys'),
        ports: async () =>
          [
            { path: device('ttyS0') },
            { path: device('ttyUSB0'), manufacturer: 'FTDI', serialNumber: 'A1', vendorId: '0403' },
          ] as never,
        holder: (port) =>
          port === device('ttyUSB0') ? { words: 'node (process 7)', locked: true } : undefined,
        ...over,
      },
    }
  }

  it('lists each device once, those with a stable name first, with holder and latency timer', async () => {
    const { root, sources } = machine()
    const { adapters, remarks } = await listAdapters(sources)
    expect(remarks).toEqual([])
    expect(adapters).toEqual([
      {
        device: path.join(root, 'dev/ttyUSB0'),
        stable: [
          path.join(root, 'serial/by-id/usb-FTDI_A1-if00-port0'),
          path.join(root, 'serial/by-path/pci-0:1'),
        ],
        manufacturer: 'FTDI',
        serialNumber: 'A1',
        usb: '0403:?',
        latencyTimerMs: 16,
        holder: { words: 'node (process 7)', locked: true },
      },
      {
        device: path.join(root, 'dev/ttyUSB10'),
        stable: [path.join(root, 'serial/by-path/pci-0:2')],
      },
      { device: path.join(root, 'dev/ttyS0'), stable: [] },
    ])
  })

  it('goes on without udev, and says what is missing', async () => {
    const ports = () => Promise.reject(new Error('spawn udevadm ENOENT'))
    const { adapters, remarks } = await listAdapters(machine({ ports }).sources)
    expect(adapters).toHaveLength(2)
    expect(remarks.join()).toMatch(/udevadm.*install udev/)
  })

  it('finds nobody at a port that is not there', () => {
    expect(portHolder('/nowhere/ttyUSB9')).toBeUndefined()
  })
})

describe('who holds a port is named', () => {
  it.each([
    ['a program', ['/usr/bin/minicom', '-D', '/dev/ttyUSB0'], 'minicom'],
    ['a script', ['node', '/opt/agent/main.ts', 'run', '--pin', '2468'], 'node main.ts'],
    [
      'a script behind options of its interpreter',
      ['/usr/bin/node', '--max-semi-space-size=2', '--no-parallel-scavenge', '/opt/main.ts', 'run'],
      'node main.ts',
    ],
    ['words that are a program themselves', ['python3', '-c', 'secret.py'], 'python3'],
    ['a secret in place of a script', ['node', '-e', 'login("s3cret.x")'], 'node'],
    ['nothing', [], ''],
  ])('%s', (_name, words, expected) => {
    expect(commandWords(words)).toBe(expected)
  })
})
