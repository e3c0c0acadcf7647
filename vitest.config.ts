import { defineConfig } from 'vitest/config'

const project = (name: string, include: string[], testTimeout: number) => ({
  test: { name, include, testTimeout, hookTimeout: testTimeout },
})

export default defineConfig({
  test: {
    // Two files at a time: left alone, vitest takes one on a machine of two processors, and most tests wait for something.
    maxWorkers: 2,
    projects: [
      project('architecture', ['test/architecture/**/*.test.ts'], 20_000),
      project('unit', ['test/unit/**/*.test.ts'], 20_000),
      project('simulation', ['test/simulation/**/*.test.ts'], 300_000),
      project('integration', ['test/integration/**/*.test.ts'], 60_000),
    ],
  },
})
