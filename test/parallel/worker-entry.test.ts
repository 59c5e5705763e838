import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Piscina } from 'piscina';
import { describe, expect, it } from 'vitest';
import { compiledModule } from '#lib/runtime/package-root.js';

describe('what threads of the pool are started with', () => {
  // Node.js ends the process when a thread is terminated while it requires an ES module.
  it('can be required where ES modules cannot', () => {
    const require = (path: string) =>
      execFileSync(
        process.execPath,
        [
          '--no-experimental-require-module',
          '-e',
          'console.log(typeof require(process.argv[1]))',
          fileURLToPath(compiledModule(path)),
        ],
        { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
      );
    expect(require('lib/parallel/worker/worker-entry.cjs')).toBe('function\n');
    expect(() => require('lib/parallel/worker/worker.js')).toThrow();
  });

  it('reports why a worker cannot be loaded', async () => {
    const filename = compiledModule('lib/parallel/worker/worker-entry.cjs').href;
    // The module of the worker reads its job as it is loaded.
    const pool = new Piscina({ filename, maxThreads: 1, workerData: null });
    try {
      expect(await pool.run({ kind: 'step' })).toMatchObject({
        failure: { kind: 'error', type: 'TypeError' },
      });
    } finally {
      await pool.destroy();
    }
  });
});
