import { defineConfig } from 'vitest/config'

/** Tests that hold a serial line, the slots of an instrument, or a horn, to milliseconds: nothing else runs beside them. */
const LINES = [
  'test/integration/agent/annunciator.test.ts',
  'test/integration/agent/flood.test.ts',
  'test/integration/agent/isolation.test.ts',
  'test/integration/agent/serial.test.ts',
  'test/integration/drivers/modbus-rtu.test.ts',
  'test/integration/simulators/serial.test.ts',
]

const project = (name: string, include: string[], testTimeout: number, exclude: string[] = []) => ({
  test: { name, include, exclude, testTimeout, hookTimeout: testTimeout },
})

export default defineConfig({
  test: {
    // Two files at a time: left alone, vitest takes one on a machine of two processors, and most tests wait for something.
    maxWorkers: 2,
    projects: [
      project('architecture', ['test/architecture/**/*.test.ts'], 20_000),
      project('unit', ['test/unit/**/*.test.ts'], 20_000),
      project('simulation', ['test/simulation/**/*.test.ts'], 300_000),
      project('integration', ['test/integration/**/*.test.ts'], 60_000, LINES),
      project('lines', LINES, 60_000),
    ],
  },
})
