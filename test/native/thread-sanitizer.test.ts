import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'chainrule-tsan-'));
afterAll(() => rmSync(folder, { recursive: true }));

const root = fileURLToPath(new URL('../..', import.meta.url));
const sources = [
  'test/native/parallel-stress.cc',
  ...['abort', 'barrier', 'combine'].map((name) => `native/sync/${name}.cc`),
];

/** Runs a program of the system, with no library preloaded for the tests. */
function execute(program: string, args: readonly string[], variables: NodeJS.ProcessEnv = {}) {
  const env = { ...process.env, LD_PRELOAD: '', ...variables };
  const { status, stdout, stderr } = spawnSync(program, args, { cwd: root, env, encoding: 'utf8' });
  return { status, output: `${stdout ?? ''}${stderr ?? ''}` };
}

const stress = join(folder, 'stress');

/** Compiles the stress of barrier and sums for ThreadSanitizer, with the compiler that CMake takes. */
function build() {
  const flags = ['-std=c++20', '-O1', '-g', '-fsanitize=thread', '-pthread', '-Inative'];
  return execute(process.env.CXX ?? 'c++', [...flags, ...sources, '-o', stress]);
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
  beforeAll(() => {
    if (!reason) expect(build().output).toBe('');
  });

  it.skipIf(reason)('have no race', () => {
    expect(execute(stress, [])).toEqual({ status: 0, output: 'all sums are right\n' });
  });

  it.skipIf(reason)('would be told a race', () => {
    const run = execute(stress, ['with a race'], { TSAN_OPTIONS: 'halt_on_error=1' });
    expect(run.output).toContain('WARNING: ThreadSanitizer: data race');
    expect(run.status).not.toBe(0);
  });
});
