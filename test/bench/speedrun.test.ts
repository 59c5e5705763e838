import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type data, Trainer } from 'chainrule';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { pytorchEntries, usersEntry } from '#bench/speedrun/entries.js';
import { type Entry, type EntryResult, GOAL, type Run, race } from '#bench/speedrun/race.js';
import recipe from '#bench/speedrun/recipe.js';
import { cellsOf, quantile, titles } from '#bench/speedrun/table.js';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'chainrule-speedrun-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

function write(name: string, code: string): string {
  const path = join(folder, name);
  writeFileSync(path, code);
  return path;
}

/** An entry whose program has this code; `seed` is its seed. */
function fake(name: string, code: string): Entry {
  const path = write(`${name}.cjs`, `const seed = Number(process.argv[2]);\n${code}`);
  return { name, command: process.execPath, args: [path] };
}

const report = (accuracy: string) =>
  `console.log(JSON.stringify({ accuracy: ${accuracy}, trainSeconds: 1, coreSeconds: 2 }));`;

describe('the race', () => {
  it('runs each entry once for each seed, in turn', async () => {
    const entries = [fake('One', `console.log('noise'); ${report('seed / 1000')}`), fake('Two', report('1'))];
    const remarks: string[] = [];
    const [one, two] = await race(entries, [985, 990], (line) => remarks.push(line));
    expect(one?.runs.map(({ seed, accuracy }) => [seed, accuracy])).toEqual([
      [985, 0.985],
      [990, 0.99],
    ]);
    expect(two?.runs).toHaveLength(2);
    expect(remarks.map((line) => line.replace(/in .*/, ''))).toEqual([
      'One, seed 985: 98.50 % ',
      'Two, seed 985: 100.00 % ',
      'One, seed 990: 99.00 % ',
      'Two, seed 990: 100.00 % ',
    ]);
    for (const { wallSeconds } of two?.runs ?? []) expect(wallSeconds).toBeGreaterThan(0);
  });

  it.each([
    ['that fails', `console.error('no GPU'); process.exit(1);`, 'no GPU'],
    ['that says nothing', '', 'it ended with 0'],
    ['that is killed', `process.kill(process.pid, 'SIGKILL');`, 'it ended with SIGKILL'],
  ])('an entry %s is out, and the others go on', async (_, code, reason) => {
    const remarks: string[] = [];
    const entries = [fake('Broken', code), fake('Good', report('0.99'))];
    const [broken, good] = await race(entries, [1, 2], (line) => remarks.push(line));
    expect(broken).toEqual({ entry: 'Broken', runs: [], failed: reason });
    expect(good?.runs).toHaveLength(2);
    expect(remarks[0]).toBe(`Broken is out: ${reason}`);
  });

  it('an entry whose program is not there is out', async () => {
    const [missing] = await race([{ name: 'Gone', command: join(folder, 'gone'), args: [] }], [1], () => {});
    expect(missing?.failed).toContain('ENOENT');
  });

  it("runs a training module of the user's", async () => {
    const path = write(
      'mine.mjs',
      `import { data, nn, optim } from '#lib/index.js';
       const samples = (n) => data.fromArrays(new Float32Array(2 * n).map((_, i) => i % 2), new Int32Array(n), { inputs: { shape: [2] } });
       export default {
         model: () => new nn.Linear(2, 10), loss: nn.crossEntropy, optimizer: () => optim.adam({ lr: 0.1 }),
         data: () => ({ train: samples(64), test: samples(32) }), epochs: 20, batchSize: 16,
       };`.replaceAll('#lib', new URL('../../dist/lib', import.meta.url).pathname),
    );
    const [mine] = await race([usersEntry(path, 1)], [7], () => {});
    expect(mine).toMatchObject({ entry: 'mine.mjs', runs: [{ seed: 7, accuracy: 1 }] });
    expect(mine?.runs[0]?.coreSeconds).toBeGreaterThan(0);
  });
});

it('PyTorch runs with as many threads, and with one', () => {
  const names = (threads: number) =>
    pytorchEntries(threads).map(({ name, env }) => [name, env?.OMP_NUM_THREADS]);
  expect(names(4)).toEqual([
    ['PyTorch, 4 threads', '4'],
    ['PyTorch, 1 thread', '1'],
  ]);
  expect(names(1)).toEqual([['PyTorch, 1 thread', '1']]);
});

describe('the board', () => {
  const run = (wallSeconds: number, accuracy: number): Run => ({
    ...{ seed: 1, wallSeconds, accuracy },
    ...{ trainSeconds: wallSeconds - 1, coreSeconds: 2 * wallSeconds },
  });

  it('has the median and the spread', () => {
    const runs = [run(4, 0.9912), run(2, GOAL), run(3, 0.9899), run(7, 0.9931), run(5, 0.992)];
    const cells = cellsOf({ entry: 'One', runs });
    expect(cells).toHaveLength(titles.length);
    expect(cells).toEqual([
      ...['One', '4 of 5', '98.99 % to 99.31 %', '4.00', '2.00', '3.00 to 5.00', '7.00', '8.00', '3.00'],
    ]);
  });

  it('tells of an entry without runs', () => {
    const none: EntryResult = { entry: 'One', runs: [], failed: 'no GPU' };
    expect(cellsOf(none).slice(0, 3)).toEqual(['One', 'failed', '-']);
  });

  it('takes quantiles between two values in proportion', () => {
    expect(quantile([1, 2, 4, 8], 0.5)).toBe(3);
    expect(quantile([1, 2, 4, 8], 0.25)).toBe(1.75);
    expect(quantile([5], 0.75)).toBe(5);
  });
});

it('our recipe learns', async () => {
  const { train, test } = (await recipe.data()) as { train: data.Dataset; test: data.Dataset };
  const { batchSize = 32 } = recipe;
  const steps = 100;
  const batches = { epochs: 1, batchSize };
  const optimizer = await recipe.optimizer({ ...batches, steps });
  const trainer = new Trainer(recipe.model(), {
    loss: recipe.loss,
    optimizer,
    workers: 2,
    shards: 2,
    seed: 1,
  });
  for await (const _ of trainer.fit(train.take(steps * batchSize), batches));
  const { accuracy } = await trainer.evaluate(test.take(1000), { batchSize: 500 });
  expect(accuracy).toBeGreaterThan(0.9);
});
