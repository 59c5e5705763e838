import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Node itself loads the compiled package, as it does for its users and in its worker threads.
    server: { deps: { external: [/\/dist\//] } },
  },
});
