import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startPythonPeers } from '#bench/peers/peer.js';
import type { PeerTime } from '#lib/bench/peer-rounds.js';
import { type Result, runBench } from '#lib/bench/run.js';
import { cellsOf, measuredSection, summary, titlesOf } from '#lib/bench/table.js';

/** Stands for Python: answers as the peers' scripts do, JAX with steps of 9 ms and PyTorch with steps of 4 ms. */
const program = (parameters: number) => `#!${process.execPath}
const jax = process.argv[2].endsWith('jax_peer.py');
const answer = (value) => process.stdout.write(JSON.stringify(value) + '\\n');
answer({ version: jax ? 'JAX 1' : 'PyTorch 2' });
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const { prepare } = JSON.parse(line);
  if (prepare) answer({ parameters: ${parameters}, variant: prepare.optimizer, remarks: ['slow'] });
  else answer({ ms: jax ? 9 : 4 });
});
`;

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'chainrule-peers-'));
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

async function runWith(python: string): Promise<{ results: Result[]; remarks: string[] }> {
  vi.stubEnv('CHAINRULE_PYTHON', python);
  const results: Result[] = [];
  const remarks: string[] = [];
  const options = { cases: ['tiny_mlp'], workers: 1, rounds: 2, peak: 100, peers: startPythonPeers };
  for await (const result of runBench(options, (line) => remarks.push(line))) results.push(result);
  return { results, remarks };
}

function fakePython(parameters: number): string {
  const path = join(folder, 'python.cjs');
  writeFileSync(path, program(parameters), { mode: 0o755 });
  return path;
}

describe('bench --peers', () => {
  it('compares with every peer, and with the best one', async () => {
    const { results, remarks } = await runWith(fakePython(5378));
    const [result] = results as [Result];
    const { PyTorch, JAX } = result.peers as Record<'PyTorch' | 'JAX', PeerTime>;
    expect(PyTorch).toMatchObject({ version: 'PyTorch 2', variant: 'adam', medianMs: 4 });
    expect(JAX).toMatchObject({ version: 'JAX 1', medianMs: 9 });
    expect(JAX.ratio / PyTorch.ratio).toBeCloseTo(9 / 4);
    expect(result.bestRatio).toBe(PyTorch.ratio);
    expect(remarks).toEqual([
      'compared with PyTorch 2 and JAX 1',
      'tiny_mlp, PyTorch: slow',
      'tiny_mlp, JAX: slow',
    ]);
    expect(titlesOf(result)).toHaveLength(15);
    expect(cellsOf(result)).toHaveLength(15);
    const section = measuredSection([{ ...result, machine: 'A machine' }]);
    const table = section.split('\n').filter((line) => line.startsWith('|'));
    expect(table.map((line) => line.split('|').length)).toEqual([17, 17, 17]);
    expect(
      summary([
        { ...result, bestRatio: 2 },
        { ...result, bestRatio: 0.5 },
      ]),
    ).toBe('Geometric mean over 2 training cases: 1.00 times faster than the best peer.');
  });

  it('says how to get peers that are not there', async () => {
    const { results, remarks } = await runWith(join(folder, 'no-python'));
    expect(results[0]?.peers).toEqual({});
    expect(results[0]?.bestRatio).toBeUndefined();
    expect(remarks).toHaveLength(2);
    expect(remarks[0]).toContain('PyTorch is skipped');
    expect(remarks[1]).toMatch(/JAX is skipped.*pip install jax, then CHAINRULE_PYTHON=/);
  });
});
