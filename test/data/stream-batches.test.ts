import { data, nn, optim, Trainer } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { failure } from '../helpers/graphs.js';
import { collect, noise } from '../helpers/training.js';

const ITEMS = 23;
const items = Array.from({ length: ITEMS }, (_, i) => ({ inputs: [i, -i], target: i % 3 }));
const form = { inputs: { shape: [2] } };
const rows = data.fromArrays(
  items.map(({ inputs }) => inputs),
  items.map(({ target }) => target),
);

/** A stream of the items that counts how often it was opened, for which epochs, and closed. */
function counted(options: Partial<Parameters<typeof data.stream>[1]> = {}) {
  const seen = { epochs: [] as number[], closed: 0, taken: 0 };
  const stream = data.stream(
    async function* ({ epoch }) {
      seen.epochs.push(epoch);
      try {
        for (const item of items) {
          seen.taken++;
          yield item;
        }
      } finally {
        seen.closed++;
      }
    },
    { ...form, queue: 4, ...options },
  );
  return { stream, seen };
}

type Batches = AsyncIterable<data.Batch>;
async function all(batches: Batches): Promise<data.Batch[]> {
  const found: data.Batch[] = [];
  for await (const batch of batches) found.push(batch);
  return found;
}

describe('the batches of a stream', () => {
  it.each([1, 4, 5, 23, 40])('are those of a data set of the same items, by %d', async (batchSize) => {
    const { stream } = counted();
    expect(await all(data.batches(stream, { batchSize }))).toEqual(
      await all(data.batches(rows, { batchSize })),
    );
    if (batchSize > ITEMS) return;
    const dropped = { batchSize, dropLast: true };
    expect(await all(data.batches(stream, dropped))).toEqual(await all(data.batches(rows, dropped)));
  });

  it('are transformed as those of a data set', async () => {
    const transforms = [
      data.normalize({ mean: 1, std: 2 }),
      data.noise({ std: 0.5 }),
      data.mixup({ classes: 3 }),
    ];
    const options = { batchSize: 4, seed: 3, epoch: 2 };
    expect(await all(data.batches(counted().stream.transform(transforms), options))).toEqual(
      await all(data.batches(rows.transform(transforms), options)),
    );
  });

  it('are shuffled within each half of the queue, another way in each epoch', async () => {
    const { stream } = counted();
    const order = async (epoch: number, seed = 1) =>
      (await all(data.batches(stream, { batchSize: 5, shuffle: true, seed, epoch }))).flatMap(
        ({ indices }) => [...indices],
      );
    const first = await order(0);
    expect(first).toEqual(await order(0));
    expect(first).not.toEqual(await order(1));
    expect(first).not.toEqual(await order(0, 2));
    const halves = [first.slice(0, 10), first.slice(10, 20), first.slice(20)];
    expect(halves.map((half) => Math.min(...half))).toEqual([0, 10, 20]);
    expect(halves.flatMap((half) => half.toSorted((a, b) => a - b))).toEqual(items.map((_, i) => i));
    expect(halves[0]?.map((index) => index)).not.toEqual(halves[1]?.map((index) => index - 10));
  });

  it('open the stream anew in each iteration, and close it when the loop is left', async () => {
    const { stream, seen } = counted();
    const batches = data.batches(stream, { batchSize: 2, epoch: 4 });
    for await (const { inputs } of batches) {
      expect([...inputs.data]).toEqual([0, -0, 1, -1]);
      break;
    }
    expect(seen).toMatchObject({ epochs: [5], closed: 1 });
    // At most the queue of four batches was taken.
    expect(seen.taken).toBeLessThanOrEqual(8);
    expect(await all(batches)).toHaveLength(12);
    expect(seen).toMatchObject({ epochs: [5, 5], closed: 2 });
  });

  it('have a length if the stream has one', () => {
    expect(data.batches(counted().stream).length).toBeNaN();
    const { stream } = counted({ length: 23 });
    expect(data.batches(stream, { batchSize: 4 }).length).toBe(6);
    expect(data.batches(stream, { batchSize: 4, dropLast: true }).length).toBe(5);
  });

  it('are refused to a loop that does not wait', () => {
    expect(() => [...(data.batches(counted().stream) as unknown as Iterable<unknown>)]).toThrow(
      'batches: the batches of a stream must be taken with for await',
    );
  });

  it('of a stream without items, or with none that fits, are an error', async () => {
    const none = data.stream(() => [], form);
    expect((await failure(all(data.batches(none)))).message).toBe(
      'stream: an epoch must have at least one item',
    );
    const bad = data.stream(() => [{ inputs: [1], target: 0 }], { ...form, onBadItem: 'skip' });
    expect((await failure(all(data.batches(bad)))).message).toMatch(
      /^stream: an epoch must have at least one item that fits; all 1 were left out \(stream: inputs of item 0 must be 2 numbers/,
    );
    const few = data.batches(counted().stream, { batchSize: 24, dropLast: true });
    expect((await failure(all(few))).message).toBe(
      'batches: with dropLast, batchSize must be at most the 23 samples, got 24',
    );
  });

  it('end with the error of the stream, and of a bad item', async () => {
    const failing = data.stream(() => {
      throw new Error('no rows');
    }, form);
    expect((await failure(all(data.batches(failing)))).message).toBe(
      'stream: item 0 could not be read: no rows',
    );
    const bad = data.stream(() => [...items, { inputs: [1], target: 0 }], form);
    expect((await failure(all(data.batches(bad)))).message).toMatch(
      /^stream: inputs of item 23 must be 2 numbers/,
    );
  });
});

describe('a stream that can be read once only', () => {
  it('is told to be opened again, where it is trained on twice', async () => {
    const once = items[Symbol.iterator]();
    const trainer = new Trainer(new nn.Linear(2, 3), {
      loss: nn.crossEntropy,
      optimizer: optim.sgd({ lr: 0.01 }),
      workers: 1,
    });
    const stream = data.stream(() => once, form);
    expect((await failure(collect(trainer.fit(stream, { epochs: 2, batchSize: 8 })))).message).toBe(
      'stream: an epoch must have at least one item; open must return a new iterable for each epoch',
    );
  });
});

describe('what is no data set', () => {
  const trainer = new Trainer(new nn.Linear(2, 3), {
    loss: nn.crossEntropy,
    optimizer: optim.sgd({ lr: 0.01 }),
    workers: 1,
  });
  const given: readonly (readonly [string, unknown, string])[] = [
    ['nothing', undefined, ', got undefined'],
    ['an array', [[1, 2]], ', got [[1,2]]'],
    ['a typed array', noise(4, 1), ', got Float32Array of 16 bytes'],
    ['a plain object', { inputs: [[1]], targets: [0] }, ', got an object'],
    ['a promise', Promise.resolve(rows), '; a promise needs await first, got an instance of Promise'],
    [
      'an iterable',
      new Set(items),
      '; an iterable needs data.stream(() => iterable, { inputs: { shape } }), got an instance of Set',
    ],
    ['a function', () => items, '; data.stream() takes a function that opens an iterable, got function'],
  ];
  it.each(given)('is refused by every function of data: %s', async (_, value, expected) => {
    const set = value as data.Dataset;
    const rule = 'data must be a Dataset, as data.fromArrays() makes';
    const either = `${rule}, or a stream, as data.stream() makes`;
    expect(() => data.batches(set)).toThrow(
      `batches: ${either.replace('data must', 'dataset must')}${expected}`,
    );
    expect((await failure(collect(trainer.fit(set)))).message).toContain(`fit: ${either}${expected}`);
    expect((await failure(trainer.evaluate(set))).message).toContain(`evaluate: ${rule}${expected}`);
    expect((await failure(trainer.inspect(set))).message).toContain(`inspect: ${rule}${expected}`);
    expect((await failure(trainer.profile(set))).message).toContain(`profile: ${rule}${expected}`);
    expect((await failure(trainer.pace(set))).message).toContain(`pace: ${rule}${expected}`);
    expect(() => trainer.plan(set)).toThrow(`plan: ${either}${expected}`);
    expect(() => trainer.maxBatch(set)).toThrow(`maxBatch: ${either}${expected}`);
    if (value === undefined) return;
    expect((await failure(collect(trainer.fit(rows, { validation: set })))).message).toContain(
      `fit: validation must be a Dataset, as data.fromArrays() makes${expected}`,
    );
  });

  it('is refused by data.fromArrays and data.stream, with a hint', () => {
    expect(() => data.fromArrays(Promise.resolve([[1]]) as never, [0])).toThrow(
      'fromArrays: inputs must be arrays, a typed array, or { data, shape }; a promise needs await first, got an instance of Promise',
    );
    expect(() => data.stream(items as never, form)).toThrow(
      'stream: open must be a function that returns the iterable of an epoch: () => iterable, got [',
    );
  });

  it('is a stream where the samples have to be there', async () => {
    const { stream } = counted();
    expect((await failure(trainer.evaluate(stream as never))).message).toBe(
      'evaluate: data must be a Dataset, as data.fromArrays() makes; the items of a stream are not there yet: take some ' +
        'into a Dataset, got an instance of StreamDataset',
    );
  });
});

describe('dropLast', () => {
  it('with a batch that the data do not fill is an error, not an empty loop', () => {
    expect(() => data.batches(rows, { batchSize: 24, dropLast: true })).toThrow(
      'batches: with dropLast, batchSize must be at most the 23 samples, got 24',
    );
    expect([...data.batches(rows, { batchSize: 23, dropLast: true })]).toHaveLength(1);
  });
});
