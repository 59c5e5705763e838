import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';

it('without a BLAS, its routines are loops of our own, which compute what their definition says', () => {
  const folder = mkdtempSync(join(tmpdir(), 'chainrule-blas-'));
  try {
    const program = join(folder, 'plain-blas');
    const sources = ['test/native/plain-blas.cc', 'native/blas/cblas.cc'];
    execFileSync(process.env.CXX ?? 'c++', ['-std=c++20', '-O1', '-Inative', ...sources, '-o', program]);
    expect(execFileSync(program, { encoding: 'utf8' })).toBe('');
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 120_000);
