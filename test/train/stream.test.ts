import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { data, nn, optim, type Tensor, Trainer } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { hashIntegers } from '../helpers/random-graph/random.js';

const COUNT = 53;
const SIZE = 48;
const pixels = Uint8Array.from(hashIntegers(COUNT * SIZE, 5, 256));
const labels = Int32Array.from(hashIntegers(COUNT, 6, 4));
const inMemory = data.fromArrays(pixels, labels, { inputs: { shape: [4, 4, 3] } });
const transforms = [
  data.flip(),
  data.crop({ padding: 1 }),
  data.normalize({ mean: 0.5, std: 0.25 }),
  data.noise({ std: 0.1 }),
  data.mixup({ classes: 4 }),
];

/** The same samples as a stream, and the requests made of it; `on` is called before each item. */
function streamed({
  queue = 4,
  length,
  on,
  bad = [] as number[],
}: {
  queue?: number;
  length?: number;
  bad?: number[];
  on?: (index: number, epoch: number) => unknown;
} = {}) {
  const seen = { pulled: 0, opened: 0, closed: 0 };
  const stream = data.stream(
    async function* ({ epoch }) {
      seen.opened++;
      try {
        for (let i = 0; i < COUNT; i++) {
          await on?.(i, epoch);
          seen.pulled++;
          if (bad.includes(i)) yield { inputs: [], target: 0 };
          yield { inputs: pixels.subarray(i * SIZE, (i + 1) * SIZE), target: labels[i] as number };
        }
      } finally {
        seen.closed++;
      }
    },
    {
      inputs: { shape: [4, 4, 3], dtype: 'uint8' },
      queue,
      onBadItem: bad.length > 0 ? 'skip' : 'error',
      ...(length === undefined ? {} : { length }),
    },
  );
  return { stream: stream.transform(transforms), seen };
}

class Classifier extends nn.Module {
  readonly layer = new nn.Linear(SIZE, 4);

  forward(x: Tensor): Tensor {
    return this.layer.forward(x.reshape([-1, SIZE]));
  }
}

const newTrainer = (workers = 2) =>
  new Trainer(new Classifier(), {
    loss: nn.crossEntropy,
    optimizer: optim.adam(),
    workers,
    shards: 4,
    seed: 3,
  });

async function hashOf(trainer: Trainer): Promise<string> {
  const hash = createHash('sha256');
  for (const parameter of trainer.model.parameters()) hash.update(await parameter.data());
  return hash.digest('hex');
}

async function train(set: data.Dataset | data.StreamDataset, options = {}, trainer = newTrainer()) {
  const results = [];
  for await (const { epoch, loss, stepLosses, skippedItems, examplesPerSecond, seconds } of trainer.fit(set, {
    epochs: 2,
    batchSize: 8,
    ...options,
  }))
    results.push({ epoch, loss, stepLosses, skippedItems, samples: Math.round(examplesPerSecond * seconds) });
  return { results, weights: await hashOf(trainer) };
}

describe('training on a stream', () => {
  it.each([2, 5, 8, 100])('is training on its items, with a queue of %i batches', async (queue) => {
    const { stream, seen } = streamed({ queue });
    const expected = await train(inMemory.transform(transforms), { shuffle: false });
    expect(await train(stream, { shuffle: false })).toEqual(expected);
    expect(seen).toEqual({ pulled: 2 * COUNT, opened: 2, closed: 2 });
  });

  it('shuffles within the halves of its queue, with the same bits on any number of workers', async () => {
    const one = await train(streamed().stream, {}, newTrainer(1));
    for (const workers of [2, 3])
      expect(await train(streamed().stream, {}, newTrainer(workers))).toEqual(one);
    const straight = await train(streamed().stream, { shuffle: false }, newTrainer(1));
    expect(straight.weights).not.toBe(one.weights);
    expect(one.results[0]?.stepLosses).not.toEqual(one.results[1]?.stepLosses);
  });

  it('leaves bad items out, and counts them', async () => {
    const expected = await train(streamed().stream);
    const { results, weights } = await train(streamed({ bad: [0, 7, 20, 52] }).stream);
    expect(weights).toBe(expected.weights);
    expect(results.map(({ skippedItems }) => skippedItems)).toEqual([4, 4]);
  });

  it('takes no more than its queue holds', async () => {
    const { stream, seen } = streamed({ queue: 2 });
    const trainer = newTrainer();
    trainer.pause();
    const first = train(stream, {}, trainer);
    while (seen.pulled < 16) await new Promise((resolve) => setTimeout(resolve, 5));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(seen.pulled).toBe(16);
    trainer.resume();
    await first;
  });

  it.each([undefined, COUNT])('reports progress, with a length of %s', async (length) => {
    const seen: { step: number; steps: number; examples: number; eta: number }[] = [];
    const { stream } = streamed(length === undefined ? {} : { length });
    await train(stream, { epochs: 1, onProgress: (progress: never) => seen.push(progress) });
    expect(seen.at(-1)).toMatchObject({
      step: 7,
      steps: length === undefined ? Number.NaN : 7,
      examples: COUNT,
    });
  });
});

describe('a stream is let go', () => {
  it('when training is aborted while it waits for items', async () => {
    const abort = new AbortController();
    const { stream, seen } = streamed({
      queue: 2,
      on: (i) => {
        if (i < 20) return;
        abort.abort(new Error('enough'));
        return new Promise(() => {});
      },
    });
    const trainer = newTrainer();
    await expect(train(stream, { signal: abort.signal }, trainer)).rejects.toThrow('enough');
    expect(seen.pulled).toBe(20);
    // It can be trained again.
    await train(streamed().stream, {}, trainer);
  });

  it('when onProgress throws', async () => {
    const { stream, seen } = streamed({ queue: 2 });
    const onProgress = () => {
      throw new Error('no more');
    };
    await expect(train(stream, { onProgress })).rejects.toThrow('no more');
    expect(seen).toMatchObject({ opened: 1, closed: 1 });
    expect(seen.pulled).toBeLessThan(COUNT);
  });

  it('when training fails, which names the step', async () => {
    let closed = 0;
    const wrong = data.stream(
      function* () {
        try {
          for (let i = 0; ; i++) yield { inputs: pixels.subarray(0, SIZE), target: i === 20 ? 9 : 0 };
        } finally {
          closed++;
        }
      },
      { inputs: { shape: [SIZE], dtype: 'uint8' }, queue: 2 },
    );
    await expect(train(wrong)).rejects.toThrow(
      'at epoch 1, step 2. The parameters are those of the last whole step',
    );
    expect(closed).toBe(1);
  });

  it('when the loss is not finite, which names the op', async () => {
    const wrong = data.stream(
      () =>
        Array.from({ length: 30 }, (_, i) => ({
          inputs: new Float32Array(SIZE).fill(i === 20 ? Number.NaN : 1),
          target: 0,
        })),
      {
        inputs: { shape: [SIZE] },
        queue: 2,
      },
    );
    await expect(train(wrong)).rejects.toThrow(/epoch 1, step 2;.*48 of its 384 values/);
  });

  it('when an item is bad, or there is none', async () => {
    const options = { inputs: { shape: [4, 4, 3] } };
    const bad = data.stream(() => [{ inputs: [1], target: 0 }], options);
    await expect(train(bad)).rejects.toThrow(
      'stream: inputs of item 0 must be 48 numbers for float32 [4,4,3], got [1]',
    );
    await expect(train(data.stream(() => [], options))).rejects.toThrow(
      'stream: an epoch must have at least one item',
    );
  });
});

describe('a run on a stream', () => {
  it('goes on from a checkpoint, at the items that it had not trained on', async () => {
    const whole = await train(streamed().stream, { epochs: 3 });
    for (const [stopEpoch, stopItem] of [
      [1, 17],
      [2, 40],
      [3, 52],
    ]) {
      const dir = mkdtempSync(join(tmpdir(), 'chainrule-stream-'));
      try {
        const abort = new AbortController();
        const { stream } = streamed({
          on: (i, epoch) => epoch === stopEpoch && i === stopItem && abort.abort(),
        });
        const checkpoint = { dir, everySteps: 3 };
        await expect(train(stream, { epochs: 3, checkpoint, signal: abort.signal })).rejects.toThrow(
          'aborted',
        );
        const trainer = newTrainer(3);
        await train(streamed().stream, { epochs: 3, checkpoint }, trainer);
        expect(await hashOf(trainer)).toBe(whole.weights);
        expect(trainer.history.map(({ loss }) => loss)).toEqual(whole.results.map(({ loss }) => loss));
      } finally {
        rmSync(dir, { recursive: true });
      }
    }
  });

  it.each<[string, (trainer: Trainer, set: data.Dataset) => Promise<unknown>, string]>([
    ['health', (_, set) => train(set, { health: true }), 'fit: health needs a Dataset'],
    ['validation', (_, set) => train(inMemory, { validation: set }), 'fit: validation must be a Dataset'],
    ['evaluate', (trainer, set) => trainer.evaluate(set), 'evaluate: data must be a Dataset'],
    ['inspect', (trainer, set) => trainer.inspect(set), 'inspect: data must be a Dataset'],
    ['profile', (trainer, set) => trainer.profile(set), 'profile: data must be a Dataset'],
    [
      'a batch size of 0',
      (_, set) => train(set, { batchSize: 0 }),
      'fit: batchSize must be a positive integer',
    ],
  ])('is refused for %s', async (_, act, message) => {
    const { stream } = streamed();
    await expect(Reflect.apply(act, undefined, [newTrainer(), stream])).rejects.toThrow(message);
  });
});
