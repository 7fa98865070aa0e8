import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/** Texts in, texts out: the same on every release of Node, and a quarter of the time. */
const TEXTS = ['test/reproduce/**', 'test/catalog/**', 'test/docs.test.ts', 'test/commands/usage.test.ts'];
const without = process.env.WITHOUT_TEXTS === undefined ? [] : TEXTS;

export default defineConfig({
  test: {
    env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
    setupFiles: ['test/support/answer-contract.ts'],
    // The tests wait more than they reckon.
    maxWorkers: Math.max(3, availableParallelism()),
    testTimeout: 30_000,
    hookTimeout: 120_000,
    projects: [
      {
        extends: true,
        test: { name: 'unit', include: ['test/**/*.test.ts'], exclude: ['test/e2e/**', ...without] },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          globalSetup: ['test/support/radosgw-setup.ts'],
        },
      },
    ],
  },
});
