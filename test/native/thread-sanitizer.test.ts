import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'chainrule-tsan-'));
afterAll(() => rmSync(folder, { recursive: true }));

const root = fileURLToPath(new URL('../..', import.meta.url));
const sources = [
  'test/native/parallel-stress.cc',
  ...['abort', 'barrier', 'combine'].map((name) => `native/sync/${name}.cc`),
];

/** Runs a program of the system, with no library preloaded for the tests. */
function execute(program: string, args: readonly string[]) {
  const env = { ...process.env, LD_PRELOAD: '' };
  const { status, stdout, stderr } = spawnSync(program, args, { cwd: root, env, encoding: 'utf8' });
  return { status, output: `${stdout ?? ''}${stderr ?? ''}` };
}

/** Compiles the stress of barrier and sums for ThreadSanitizer, with the compiler that CMake takes. */
function build(name: string, definitions: readonly string[] = []) {
  const path = join(folder, name);
  const flags = ['-std=c++20', '-O1', '-g', '-fsanitize=thread', '-pthread', '-Inative', ...definitions];
  return { path, ...execute(process.env.CXX ?? 'c++', [...flags, ...sources, '-o', path]) };
}

/** The reason why this machine cannot run it, if so. */
function obstacle(): string | undefined {
  const path = join(folder, 'empty');
  const args = ['-std=c++20', '-fsanitize=thread', '-x', 'c++', '/dev/null', '-o', path];
  const { status, output } = execute(process.env.CXX ?? 'c++', args);
  // A program of nothing lacks its `main`; whatever else is missing is the sanitizer.
  if (status === 0 || /undefined (reference|symbol).*main/.test(output)) return undefined;
  return `no compiler with -fsanitize=thread (${output.split('\n')[0]})`;
}

const reason = obstacle();

describe(`barrier, sums and marks under ThreadSanitizer${reason ? `, skipped: ${reason}` : ''}`, () => {
  it.skipIf(reason)(
    'have no race',
    () => {
      const { path, output } = build('stress');
      expect(output).toBe('');
      expect(execute(path, [])).toEqual({ status: 0, output: 'all sums are right\n' });
    },
    60_000,
  );

  it.skipIf(reason)(
    'would be told a race',
    () => {
      const { path, output } = build('racy', ['-DPLANT_RACE']);
      expect(output).toBe('');
      const run = execute(path, []);
      expect(run.output).toContain('WARNING: ThreadSanitizer: data race');
      expect(run.status).not.toBe(0);
    },
    60_000,
  );
});
