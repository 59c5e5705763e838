import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Every compilation is checked, that of programs which tests start as well.
    env: { CHAINRULE_VERIFY: '1' },
    // Two at least: the tests of one file often wait for threads.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    // No test depends on time; this ends one that hangs, with room for a machine that is busy with other work.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    // Node itself loads the compiled package, as it does for its users and in its worker threads.
    server: { deps: { external: [/\/dist\//] } },
  },
});
