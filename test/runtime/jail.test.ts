import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { addon } from '#lib/runtime/addon.js';
import { LONG } from '../helpers/long.js';

/** Runs a command in a mount namespace of its own, where these folders are empty. */
function withoutFolders(folders: readonly string[], command: readonly string[]) {
  const hide = folders
    .map((folder) => `if [ -d ${folder} ]; then mount -t tmpfs none ${folder}; fi`)
    .join(' && ');
  const script = `${hide} && exec "$@"`;
  return spawnSync('unshare', ['-m', '--propagation', 'private', 'sh', '-c', script, 'sh', ...command], {
    encoding: 'utf8',
  });
}

// The repository itself may lie in one of them.
const hidden = ['/proc', '/sys', '/dev/shm', '/tmp'].filter(
  (folder) => !resolve('.').startsWith(`${folder}/`),
);
const { status, stderr, error } = withoutFolders(['/sys'], ['true']);
const missing = error?.message ?? (stderr.trim() || `exit code ${status}`);
const reason = LONG ? (status === 0 ? '' : `, skipped: ${missing}`) : ', skipped: only in test:long';

it.skipIf(reason)(
  `training, prediction, saving and checkpoints do without /proc and its like${reason}`,
  () => {
    const build = resolve('build');
    mkdirSync(build, { recursive: true });
    const folder = mkdtempSync(join(build, 'jail-'));
    try {
      const program = join(import.meta.dirname, '../helpers/programs/in-jail.mjs');
      const run = withoutFolders(hidden, ['env', '-i', process.execPath, program, folder]);
      expect(run.stderr).toBe('');
      expect(JSON.parse(run.stdout)).toEqual({ done: [6, 6, 6], output: [2, 3], square: 9 });
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
);

const sanitized = process.env.LD_PRELOAD?.includes('asan') ? ', skipped: sanitizer loaded' : '';
const noLimits = spawnSync('prlimit', ['--version']).status === 0 ? '' : ', skipped: no prlimit here';
const noBlas =
  sanitized || (/openblas/i.test(addon().blas()) ? noLimits : ', skipped: another BLAS than OpenBLAS');

it.skipIf(noBlas)(
  `where the BLAS finds no room for its buffers there is an error instead of a wait for ever${noBlas}`,
  () => {
    const program = join(import.meta.dirname, '../helpers/programs/few-bytes.mjs');
    const { stdout, stderr } = spawnSync(process.execPath, [program], { encoding: 'utf8', timeout: 100_000 });
    expect(stderr).toBe('');
    const { error: refused, values } = JSON.parse(stdout);
    expect(refused).toMatch(
      /ChainruleError: plan: not enough memory: .* buffer of the BLAS; see ulimit -v and -d/,
    );
    expect(values).toEqual([3, 9]);
  },
);
