import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/** Texts in, texts out: the same on every release of Node. */
const TEXTS = [
  'test/architecture.test.ts',
  'test/docs.test.ts',
  'test/catalog/**',
  'test/commands/run.test.ts',
  'test/diagnostics/**',
  'test/notation/**',
  'test/record/{rule-text,secrets}.test.ts',
  'test/reproduce/**',
  'test/rules/{docs,json-schema,load}.test.ts',
  'test/support/**',
];
const without = process.env.WITHOUT_TEXTS === undefined ? [] : TEXTS;

export default defineConfig({
  test: {
    env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
    setupFiles: ['test/support/answer-contract.ts'],
    // The files that run in one process share the modules that they import: to load them anew takes half of the time.
    isolate: false,
    // Tests wait for most of their time.
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
