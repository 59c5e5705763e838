import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { type Chunk, StreamChunks } from '#lib/data/stream-chunks.js';
import { StreamMemory } from '#lib/data/stream-memory.js';
import { data } from '#lib/index.js';

const options = { inputs: { shape: [2] } };
const item = (i: number): data.StreamItem => ({ inputs: [i, -i], target: i });

/** A stream of `count` items, and what has been asked of it. */
function counted(count: number, more: Partial<data.StreamOptions> = {}) {
  const seen = { pulled: 0, closed: 0, epochs: [] as number[] };
  const stream = data.stream(
    async function* ({ epoch }) {
      seen.epochs.push(epoch);
      try {
        for (let i = 0; i < count; i++) {
          seen.pulled++;
          yield item(i);
        }
      } finally {
        seen.closed++;
      }
    },
    { ...options, ...more },
  );
  return { stream, seen };
}

function chunksOf(stream: data.StreamDataset, half = 3, passed = 0) {
  const memory = new StreamMemory(stream, half);
  const chunks = new StreamChunks(stream, memory, 1, passed);
  const labels = ({ start, count }: Chunk) => [
    ...(memory.targets as data.Field).data.subarray(start, start + count),
  ];
  return { memory, chunks, labels };
}

async function all(stream: data.StreamDataset, half = 3, passed = 0) {
  const { chunks, labels } = chunksOf(stream, half, passed);
  const found: { chunk: Chunk; labels: number[] }[] = [];
  for (let chunk = await chunks.next(); chunk; chunk = await chunks.next()) {
    found.push({ chunk, labels: labels(chunk) });
    // The half that is not in use is filled meanwhile, which must not reach this one.
    await sleep(1);
    expect(labels(chunk)).toEqual(found.at(-1)?.labels);
  }
  return { found };
}

describe('the chunks of a stream', () => {
  it('are its items, in order, in the two halves by turns', async () => {
    const { stream, seen } = counted(8);
    const { found } = await all(stream);
    expect(found).toEqual([
      { chunk: { start: 0, count: 3, firstItem: 0, skipped: 0 }, labels: [0, 1, 2] },
      { chunk: { start: 3, count: 3, firstItem: 3, skipped: 0 }, labels: [3, 4, 5] },
      { chunk: { start: 0, count: 2, firstItem: 6, skipped: 0 }, labels: [6, 7] },
    ]);
    expect(seen).toEqual({ pulled: 8, closed: 1, epochs: [1] });
  });

  it.each([0, 3, 6])('end after %i items, too', async (count) => {
    const { found } = await all(counted(count).stream);
    expect(found.flatMap(({ labels }) => labels)).toEqual(Array.from({ length: count }, (_, i) => i));
    expect(found.every(({ chunk }) => chunk.count === 3)).toBe(true);
  });

  it('hold a fast producer back', async () => {
    const { stream, seen } = counted(1000);
    const { chunks } = chunksOf(stream, 4);
    await sleep(5);
    expect(seen.pulled).toBe(0);
    for (const pulled of [8, 12]) {
      await chunks.next();
      await vi.waitFor(() => expect(seen.pulled).toBe(pulled));
      await sleep(5);
      expect(seen.pulled).toBe(pulled);
    }
    await chunks.close();
    await chunks.close();
    expect(seen).toMatchObject({ pulled: 12, closed: 1 });
  });

  it('leave the thread to others while they are filled', async () => {
    let turned = false;
    let pulled = 0;
    const endless = data.stream(function* () {
      for (; !turned; pulled++) yield item(0);
    }, options);
    const most = 5_000_000;
    const { chunks } = chunksOf(endless, most);
    setImmediate(() => {
      turned = true;
    });
    await chunks.next();
    await chunks.close();
    expect(pulled).toBeLessThan(most);
  });

  it('can be let go while the producer does not answer', async () => {
    let returned = 0;
    const silent: AsyncIterable<data.StreamItem> = {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise(() => {}),
        return: () => {
          returned++;
          return new Promise(() => {});
        },
      }),
    };
    const { chunks } = chunksOf(data.stream(() => silent, options));
    void chunks.next();
    await sleep(1);
    await chunks.close();
    expect(returned).toBe(1);
  });

  it('begin after items that were passed', async () => {
    const { found } = await all(counted(8).stream, 3, 4);
    expect(found.map(({ labels }) => labels)).toEqual([[4, 5, 6], [7]]);
    expect(found[0]?.chunk).toEqual({ start: 0, count: 3, firstItem: 4, skipped: 0 });
  });

  it('come from any iterable, of any numbers that are of the dtype', async () => {
    const items: data.StreamItem[] = [
      { inputs: Uint8Array.of(1, 2), target: Float64Array.of(0.5) },
      { inputs: [3, 255], target: [1e300] },
      { inputs: Buffer.from([4, 5]), target: -1 },
    ];
    const stream = data.stream(() => Promise.resolve(items), {
      inputs: { shape: [1, 2], dtype: 'uint8' },
      targets: { dtype: 'float64' },
    });
    const { memory, chunks } = chunksOf(stream);
    expect((await chunks.next())?.count).toBe(3);
    const [inputs, targets] = [memory.inputs as data.Field, memory.targets as data.Field];
    expect([...inputs.data.subarray(0, 6)]).toEqual([1, 2, 3, 255, 4, 5]);
    expect([...targets.data.subarray(0, 3)]).toEqual([0.5, 1e300, -1]);
    expect(inputs.data.buffer).toBeInstanceOf(SharedArrayBuffer);
  });
});

describe('a bad item', () => {
  const bytes: data.StreamOptions = { inputs: { shape: [2], dtype: 'uint8' } };
  const cases: [string, unknown, string][] = [
    ['no object', 5, 'stream: item 1 must be { inputs, target }, got 5'],
    ['no target', { inputs: [1, 2] }, 'stream: item 1 must be { inputs, target }'],
    [
      'too many numbers',
      { inputs: [1, 2, 3], target: 0 },
      'stream: inputs of item 1 must be 2 numbers for uint8 [2], got [1,2,3]',
    ],
    [
      'a number out of range',
      { inputs: [1, 256], target: 0 },
      'stream: inputs of item 1 must be 2 numbers for uint8 [2], got [1,256]',
    ],
    ['another dtype', { inputs: Float32Array.of(1, 2.5), target: 0 }, 'got Float32Array of 8 bytes'],
    ['another length', { inputs: Uint8Array.of(1), target: 0 }, 'got Uint8Array of 1 bytes'],
    ['text', { inputs: 'ab', target: 0 }, 'got ab'],
    [
      'a label that is none',
      { inputs: [1, 2], target: 0.5 },
      'stream: the target of item 1 must be a number for int32 [], got 0.5',
    ],
  ];
  const with_ = (bad: unknown, more: Partial<data.StreamOptions> = {}) =>
    data.stream(
      () => [{ inputs: [1, 1], target: 10 }, bad as data.StreamItem, { inputs: [2, 2], target: 12 }],
      {
        ...bytes,
        ...more,
      },
    );

  it.each(cases)('is named: %s', async (_, bad, message) => {
    await expect(all(with_(bad))).rejects.toThrow(message);
  });

  it.each(cases)('is left out and counted: %s', async (_, bad) => {
    const { found } = await all(with_(bad, { onBadItem: 'skip' }));
    expect(found).toEqual([{ chunk: { start: 0, count: 2, firstItem: 0, skipped: 1 }, labels: [10, 12] }]);
  });

  it('is another thing than an iterable that fails', async () => {
    const failing = data.stream(
      function* () {
        yield item(0);
        throw new Error('connection lost');
      },
      { ...options, onBadItem: 'skip' },
    );
    await expect(all(failing)).rejects.toThrow('stream: item 1 could not be read: connection lost');
    const closed = data.stream(() => Promise.reject(new Error('no server')), options);
    await expect(all(closed)).rejects.toThrow('stream: item 0 could not be read: no server');
    const none = data.stream(() => Reflect.get({}, 'missing'), options);
    await expect(all(none)).rejects.toThrow('open must give an iterable, got undefined');
  });
});

describe('stream', () => {
  const open = () => [];
  it.each<[string, unknown[], string]>([
    ['no function', [[], options], 'stream: open must be a function'],
    [
      'no form of inputs',
      [open, {}],
      'stream: inputs must be a plain object with shape, or a list or a record of forms, got undefined',
    ],
    [
      'a shape that is no list',
      [open, { inputs: { shape: 5 } }],
      'stream: inputs.shape must be an array of positive integers, got 5',
    ],
    [
      'a size of 0',
      [open, { inputs: { shape: [0] } }],
      'stream: inputs.shape must be an array of positive integers, got [0]',
    ],
    [
      'an unknown dtype',
      [open, { inputs: { shape: [1], dtype: 'int8' } }],
      'stream: inputs.dtype must be one of float32, float64, int32, uint8, bool, got int8',
    ],
    [
      'a queue of 1',
      [open, { ...options, queue: 1 }],
      'stream: queue must be an integer of at least 2, got 1',
    ],
    ['a length of 0', [open, { ...options, length: 0 }], 'stream: length must be a positive integer, got 0'],
    [
      'an unknown policy',
      [open, { ...options, onBadItem: 'drop' }],
      "stream: onBadItem must be 'error' or 'skip', got drop",
    ],
    [
      'an unknown option',
      [open, { ...options, batch: 1 }],
      'stream: unknown option batch; the options are inputs, targets, weights, length, queue, onBadItem',
    ],
  ])('refuses %s', (_, given, message) => {
    expect(() => Reflect.apply(data.stream, undefined, given)).toThrow(message);
  });

  it('takes transforms that suit its items', () => {
    const images = data.stream(open, { inputs: { shape: [8, 8, 3], dtype: 'uint8' } });
    const view = images.transform([data.crop({ size: 4 })]).transform([data.mixup({ classes: 3 })]);
    expect(view.loaded).toEqual({
      inputs: { shape: [4, 4, 3], dtype: 'float32' },
      targets: { shape: [3], dtype: 'float32' },
    });
    expect(() => images.transform([data.crop({ size: 9 })])).toThrow('crop: size must fit');
  });
});
