import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ProcessPeer } from '#bench/peers/process-peer.js';
import { perceptronStep } from '#lib/bench/models/perceptron.js';
import type { Peer, Prepared } from '#lib/bench/peer.js';
import { isTime, type PeerFailure } from '#lib/bench/peer-rounds.js';
import { type Result, runScenarios } from '#lib/bench/run.js';
import type { Scenario } from '#lib/bench/scenario.js';
import { cellsOf, measuredSection, summary, titlesOf } from '#lib/bench/table.js';
import { messageOf } from '#lib/graph/errors.js';

/** Two cases, in each of which a round of so many steps as there may be is short. */
const cases = ['first', 'second'].map((name) => perceptronStep(name, [4, 8, 2], 8));
const PARAMETERS = 4 * 8 + 8 + 8 * 2 + 2;

/** A program that answers as the peers' scripts do, but for the code that stands first. */
const program = (code: string) => `
const answer = (value) => process.stdout.write(JSON.stringify(value) + '\\n');
const say = (text) => process.stdout.write(text + '\\n');
let model;
const request = ({ prepare }) => {
  ${code}
  if (prepare) {
    model = prepare.name;
    answer({ parameters: ${PARAMETERS}, variant: 'eager', remarks: [] });
  } else answer({ ms: 4 });
};
answer({ version: 'Fake 1' });
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => request(JSON.parse(line)));
`;

let folder: string;
const peers: Peer[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'chainrule-failing-peers-'));
});

afterEach(() => {
  vi.useRealTimers();
  for (const peer of peers.splice(0)) peer.stop();
  rmSync(folder, { recursive: true });
});

async function startFake(name: string, code: string): Promise<ProcessPeer> {
  const path = join(folder, `${name}.cjs`);
  writeFileSync(path, program(code));
  const peer = await ProcessPeer.start({ name, command: process.execPath, args: [path] });
  if (!peer) throw new Error('the fake peer does not start');
  peers.push(peer);
  return peer;
}

/** Runs two cases beside peers that fail in the first of them and one that never does. */
async function runBeside(...failing: Peer[]): Promise<{ results: [Result, Result]; remarks: string[] }> {
  const good = await startFake('Good', '');
  const results: Result[] = [];
  const remarks: string[] = [];
  const start = async () => [...failing, good];
  const options = { workers: 1, rounds: 2, peak: 100, peers: start };
  for await (const result of runScenarios(cases, options, (line) => remarks.push(line))) results.push(result);
  return { results: results as [Result, Result], remarks };
}

const inFirstCase = (code: string) => `if ((prepare?.name ?? model) === 'first') { ${code} }`;

/** The names of peers, the code by which each fails, and the reason that is reported. */
const failures: readonly [string, string, string][] = [
  ['prepare says so', `if (prepare) return answer({ error: 'no pool' });`, 'no pool'],
  ['a round says so', `if (!prepare) return answer({ error: 'no memory' });`, 'no memory'],
  ['it ends in prepare', `if (prepare) process.exit(1);`, 'it ended'],
  [
    'it ends in a round',
    `if (!prepare) { console.error('a\\nkilled'); process.exit(1); }`,
    'it ended: killed',
  ],
  [
    'it answers no JSON',
    `if (prepare) return say('Segmentation fault');`,
    'it answered "Segmentation fault"',
  ],
  ['a model is not described', `if (prepare) return answer({ parameters: 1 });`, 'instead of a model'],
  ['a model is null', `if (prepare) return answer(null);`, 'it answered null instead of a model'],
  [
    'a time is no number',
    `if (!prepare) return answer({ ms: 'soon' });`,
    'it answered {"ms":"soon"} instead of a time',
  ],
  ['a time is 0', `if (!prepare) return answer({ ms: 0 });`, 'it answered {"ms":0} instead of a time'],
  [
    'its model differs',
    `if (prepare) { model = prepare.name; return answer({ parameters: ${PARAMETERS - 1}, variant: 'eager', remarks: [] }); }`,
    `its model has ${PARAMETERS - 1} parameters, but ours ${PARAMETERS}`,
  ],
];

describe('a peer that fails in a case', () => {
  it('is reported, and all else goes on', async () => {
    const bad = await Promise.all(failures.map(([name, code]) => startFake(name, inFirstCase(code))));
    const { results, remarks } = await runBeside(...bad);
    const [first, second] = results;
    expect(first.peers.Good).toMatchObject({ medianMs: 4, variant: 'eager' });
    expect(remarks).toHaveLength(failures.length);
    for (const [name, , reason] of failures) {
      const found = first.peers[name] as PeerFailure;
      expect(found).toEqual({ version: 'Fake 1', failed: expect.stringContaining(reason) });
      expect(remarks).toContain(`first, ${name}: failed: ${found.failed}`);
      // The next case finds it well again.
      expect(second.peers[name], name).toMatchObject({ medianMs: 4 });
    }
    const good = first.peers.Good;
    expect(first.bestRatio).toBe(good && isTime(good) && good.ratio);
    expect(second.peers.Good).toMatchObject({ medianMs: 4 });
  });

  it('is timed without a variant that ends it', async () => {
    const trying = inFirstCase(`
      if (prepare) {
        for (const variant of ['compiled', 'compiled, channels_last', 'eager']) {
          if (prepare.without.includes(variant)) continue;
          answer({ trying: variant });
          if (variant.startsWith('compiled')) { console.error('free(): ' + variant); process.exit(1); }
        }
        return answer({ parameters: ${PARAMETERS}, variant: 'eager', remarks: ['slow'] });
      }`);
    const { results, remarks } = await runBeside(await startFake('Bad', trying));
    expect(results[0].peers.Bad).toMatchObject({ medianMs: 4, variant: 'eager' });
    expect(remarks).toEqual([
      'first, Bad: compiled failed: it ended: free(): compiled',
      'first, Bad: compiled, channels_last failed: it ended: free(): compiled, channels_last',
      'first, Bad: slow',
    ]);
  });

  it('is quoted in what it writes last to standard error, though its answers end before', async () => {
    const late = inFirstCase(`if (prepare) {
      // A child of its own sees the end of its input when the program has ended, and writes then.
      const write = "process.stdin.resume().on('end', () => console.error('no memory'))";
      require('node:child_process').spawn(process.execPath, ['-e', write], { stdio: ['pipe', 'ignore', 'inherit'] });
      process.exit(1);
    }`);
    const { results } = await runBeside(await startFake('Bad', late));
    expect(results[0].peers.Bad).toMatchObject({ failed: 'it ended: no memory' });
  });

  it('fails where it ends whatever is left out', async () => {
    const code = inFirstCase(`if (prepare) { answer({ trying: 'jit' }); process.exit(1); }`);
    const { results } = await runBeside(await startFake('Bad', code));
    expect(results[0].peers.Bad).toMatchObject({ failed: 'it ended' });
    expect(results[1].peers.Bad).toMatchObject({ medianMs: 4 });
  });

  it('fails again where it cannot be started again', async () => {
    const mark = join(folder, 'was here');
    const code = `if (prepare) { require('node:fs').writeFileSync(${JSON.stringify(mark)}, ''); process.exit(1); }`;
    const bad = await startFake('Bad', code);
    const path = join(folder, 'Bad.cjs');
    chmodSync(path, 0o600);
    writeFileSync(path, 'process.exit(1)');
    const { results } = await runBeside(bad);
    expect(existsSync(mark)).toBe(true);
    for (const { peers: all } of results) {
      expect(all).toMatchObject({ Bad: { version: 'Fake 1', failed: 'it ended' }, Good: { medianMs: 4 } });
    }
  });

  it('is given up when it does not answer', async () => {
    const silent = await startFake('Silent', 'if (prepare) return;');
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const refused = silent.prepare({ name: 'first' } as Scenario).catch(messageOf);
    await vi.advanceTimersByTimeAsync(600_000);
    expect(await refused).toBe('it gave no answer in 10 minutes');
    await expect(silent.round()).rejects.toThrow('it has ended');
  });

  it('may be any kind of peer', async () => {
    const throwing: Peer = {
      name: 'Bad',
      version: 'Bad 2',
      prepare: (): Promise<Prepared> => {
        throw new Error('not at home');
      },
      round: () => Promise.resolve(1),
      stop: () => {},
    };
    const { results } = await runBeside(throwing);
    expect(results[1].peers).toMatchObject({ Bad: { failed: 'not at home' }, Good: { medianMs: 4 } });
  });
});

describe('tables with a peer that failed', () => {
  const ran = (bestRatio: number): Result =>
    ({
      ...{ case: 'lenet', kind: 'train', model: 'a model', batch: 1, workers: 2, rounds: 9, medianMs: 1 },
      ...{ minMs: 1, examplesPerSecond: 1, parameters: 1, gflopsPerSecond: 1, shareOfPeak: 1 },
      ...{ peakGflopsPerSecond: 1, arenaBytes: 1, compileMs: 1, bestRatio },
      peers: {
        PyTorch: { version: 'PyTorch 2', variant: 'eager', medianMs: bestRatio, ratio: bestRatio },
        JAX: { version: 'JAX 1', variant: 'jit', medianMs: 3, ratio: 3 },
      },
    }) satisfies Result;
  const { bestRatio: _, ...unmeasured } = ran(1);
  const failed = { version: 'PyTorch 2', failed: 'no pool' };
  const partly: Result = { ...ran(3), peers: { ...ran(3).peers, PyTorch: failed } };
  const wholly: Result = {
    ...unmeasured,
    peers: { PyTorch: failed, JAX: { version: 'JAX 1', failed: 'gone' } },
  };

  it('have a word in its cells, and as many cells as titles', () => {
    expect(cellsOf(partly).slice(-5)).toEqual(['failed', '-', '3.00 (jit)', '3.00', '3.00']);
    expect(cellsOf(wholly).slice(-5)).toEqual(['failed', '-', 'failed', '-', '-']);
    for (const result of [ran(2), partly, wholly])
      expect(cellsOf(result)).toHaveLength(titlesOf(ran(2)).length);
  });

  it('leave it out of the mean, and say so', () => {
    expect(summary([ran(2), partly, wholly])).toBe(
      'Geometric mean over 2 training cases: 2.45 times faster than the best peer. A peer that failed does not count.',
    );
    expect(summary([wholly])).toBeNull();
    expect(summary([ran(2)])).toBe(
      'Geometric mean over 1 training cases: 2.00 times faster than the best peer.',
    );
  });

  it('give the reasons in the README', () => {
    const section = measuredSection([wholly, partly].map((result) => ({ ...result, machine: 'A machine' })));
    expect(section).toContain('beside PyTorch 2 and JAX 1 in the same run');
    expect(section).toContain(
      '- PyTorch failed in lenet: no pool\n- JAX failed in lenet: gone\n- PyTorch failed in lenet: no pool\n',
    );
  });
});
