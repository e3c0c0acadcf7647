import { defineConfig } from 'vitest/config'

const project = (name: string, include: string[], testTimeout: number) => ({
  test: { name, include, testTimeout, hookTimeout: testTimeout },
})

export default defineConfig({
  test: {
    projects: [
      project('architecture', ['test/architecture/**/*.test.ts'], 20_000),
      project('unit', ['test/unit/**/*.test.ts'], 20_000),
      project('simulation', ['test/simulation/**/*.test.ts'], 300_000),
      project('integration', ['test/integration/**/*.test.ts'], 60_000),
    ],
  },
})
