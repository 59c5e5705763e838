import { data, nn, optim, Trainer, type TrainerOptions } from 'chainrule';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { operandsOf } from '#lib/compile/plan/operands.js';
import type { Operand, Plan } from '#lib/compile/plan/plan.js';
import { bytesPerElement } from '#lib/graph/dtype.js';
import { sizeOf } from '#lib/graph/shapes.js';
import { WorkerPool } from '#lib/parallel/prepare/pool.js';
import { failure } from '../helpers/graphs.js';
import { LONG } from '../helpers/long.js';
import { collect, noise, parametersOf, stepLosses } from '../helpers/training.js';

afterEach(() => vi.restoreAllMocks());

const features = 24;
const samples = (length: number, seed = 1) =>
  data.fromArrays(
    noise(length * features, seed),
    Int32Array.from({ length }, (_, i) => i % 3),
    {
      inputs: { shape: [features] },
    },
  );

const LAYERS = LONG ? 8 : 5;

/** A chain whose activations are large beside its parameters. */
const chain = () =>
  new nn.Sequential(
    ...Array.from({ length: LAYERS }, () => [new nn.Linear(features, features), new nn.Tanh()]).flat(),
    new nn.Dropout(0.2),
    new nn.Linear(features, 3),
  );

const trainerOf = (options: Partial<TrainerOptions> = {}) =>
  new Trainer(chain(), {
    loss: nn.crossEntropy,
    optimizer: optim.adam({ lr: 1e-3 }),
    workers: 2,
    shards: 4,
    seed: 5,
    ...options,
  });

const train = samples(10_000);
const validation = samples(1000, 2);
const fitOptions = { epochs: 2, batchSize: 4000, validation };

/** What a plan computes again, as the planner weighs it: a byte that is moved takes the time of 8 operations. */
function recomputedWork({ steps }: Plan): number {
  const bytesOf = ({ shape, dtype }: Operand) => sizeOf(shape) * bytesPerElement(dtype);
  return steps
    .filter(({ recomputed }) => recomputed)
    .map((step) => {
      const { reads, writes } = operandsOf(step);
      return step.flops + 8 * [...reads, ...writes].map(bytesOf).reduce((a, b) => a + b, 0);
    })
    .reduce((a, b) => a + b, 0);
}

/** All that training leaves. */
async function outcome(trainer: Trainer) {
  const epochs = await collect(trainer.fit(train, fitOptions));
  return [stepLosses(epochs), epochs.map((epoch) => epoch.validation), parametersOf(trainer.model)];
}

/** The bytes that a refusal names as the smallest budget. */
function leastIn(refused: () => unknown): number {
  try {
    refused();
  } catch (error) {
    return Number(/must be at least (\d+) bytes/.exec(String(error))?.[1]);
  }
  throw new Error('not refused');
}

const leastOf = (trainer: Trainer, options = fitOptions) =>
  leastIn(() => trainer.plan(train, { ...options, memory: 1 }));

let known: number | undefined;

/** The smallest budget of the trainer that most tests have. */
function usualLeast(): number {
  known ??= leastOf(trainerOf());
  return known;
}

describe('a trainer with a budget', () => {
  it('makes the same weights, to the bit, down to the smallest budget', async () => {
    const free = trainerOf();
    const quickest = free.plan(train, fitOptions);
    const least = usualLeast();
    expect(least).toBeLessThan(0.9 * quickest.peak);
    const expected = await outcome(free);
    const recomputed: number[] = [];
    const middle = Math.floor((least + quickest.peak) / 2);
    for (const memory of LONG ? [least, middle, quickest.peak] : [least, quickest.peak]) {
      const trainer = trainerOf({ memory });
      const plan = trainer.plan(train, fitOptions);
      expect(plan.peak).toBeLessThanOrEqual(memory);
      recomputed.push(plan.recomputedFlops);
      expect(await outcome(trainer)).toEqual(expected);
    }
    expect(recomputed[0]).toBeGreaterThan(0);
    expect(recomputed).toEqual(recomputed.toSorted((a, b) => b - a));
    expect(recomputed.at(-1)).toBe(0);
  });

  it('refuses one byte less before anything starts, and says what memory is made of', async () => {
    const start = vi.spyOn(WorkerPool, 'start');
    const least = usualLeast();
    const trainer = trainerOf({ memory: least - 1 });
    const before = parametersOf(trainer.model);
    const refused = await failure(collect(trainer.fit(train, fitOptions)));
    expect(refused).toMatchObject({ code: 'ERR_CHAINRULE_BUDGET' });
    expect(refused.message).toMatch(
      new RegExp(
        `^fit: memory must be at least ${least} bytes \\(.*\\) here, of which .* parameters, .* gradients, ` +
          '.* state of the optimiser, .* copies, figures and constants, and for each of 2 workers ' +
          '.* activations and workspace, .* inputs, .* plans; smaller batches, more shards or fewer workers ' +
          `would need less, got ${least - 1} bytes$`,
      ),
    );
    expect(start).not.toHaveBeenCalled();
    expect(parametersOf(trainer.model)).toEqual(before);
    expect(trainer.steps).toBe(0);
  });

  it('collects the garbage of compilation before any thread starts', async () => {
    let garbage: WeakRef<object> | undefined;
    // Logged when all plans are compiled.
    const log = () => {
      garbage = new WeakRef({});
    };
    const start = vi.spyOn(WorkerPool, 'start').mockImplementation(() => {
      throw new Error(garbage?.deref() ? 'with garbage' : 'without garbage');
    });
    const trainer = trainerOf({ memory: '1GB', log });
    await expect(collect(trainer.fit(train, fitOptions))).rejects.toThrow('without garbage');
    expect(start).toHaveBeenCalledOnce();
    expect(garbage).toBeDefined();
  });

  it('counts copies for checkpoints, validation, and moving averages', () => {
    const bytes = 4 * parametersOf(chain().init()).length;
    const least = usualLeast();
    const saving = leastIn(() =>
      trainerOf().plan(train, { ...fitOptions, checkpoint: { dir: 'nowhere' }, memory: 1 }),
    );
    // The parameters and the two moments of Adam.
    expect(saving - least).toBeGreaterThanOrEqual(3 * bytes);
    const averaging = leastOf(trainerOf({ optimizer: optim.adam({ lr: 1e-3, average: 0.9 }) }));
    expect(averaging - least).toBeGreaterThanOrEqual(bytes);
    const large = { ...fitOptions, validation: samples(10_000, 3), batchSize: 10_000 };
    expect(leastOf(trainerOf(), large)).toBeGreaterThan(
      leastIn(() => trainerOf().plan(train, { batchSize: 10_000, memory: 1 })),
    );
  });

  it('takes fewer workers where their number is its own, with the same bits, and says so', async () => {
    const expected = await outcome(trainerOf({ workers: 3 }));
    const least = leastOf(trainerOf({ workers: 1 }));
    const lines: string[] = [];
    const trainer = trainerOf({ workers: 'auto', memory: least, log: (line) => lines.push(line) });
    expect(trainer.plan(train, fitOptions)).toMatchObject({ workers: 1, shards: 4 });
    expect(await outcome(trainer)).toEqual(expected);
    expect(lines.join()).toMatch(/1 worker.*of memory/);
  });

  it('evaluates within it, too', async () => {
    const figures = await trainerOf().evaluate(validation, { batchSize: 700 });
    const message = await trainerOf({ memory: 1 })
      .evaluate(validation, { batchSize: 700 })
      .then(String, String);
    const least = Number(/evaluate: memory must be at least (\d+) bytes/.exec(message)?.[1]);
    expect(await trainerOf({ memory: least }).evaluate(validation, { batchSize: 700 })).toEqual(figures);
    await expect(trainerOf({ memory: least - 1 }).evaluate(validation, { batchSize: 700 })).rejects.toThrow(
      `at least ${least} bytes`,
    );
  });

  it('computes shards in turn where there is no room for all at once, to the same bits', async () => {
    const wide = () =>
      new Trainer(new nn.Sequential(new nn.Linear(256, 512), new nn.Tanh(), new nn.Linear(512, 256)), {
        loss: nn.mseLoss,
        optimizer: optim.sgd({ lr: 0.01 }),
        workers: 1,
        shards: 4,
      });
    const set = data.fromArrays(noise(512 * 256, 1), noise(512 * 256, 2), {
      inputs: { shape: [256] },
      targets: { shape: [256] },
    });
    const free = wide();
    const together = free.plan(set, { batchSize: 512 });
    const memory = together.peak - 1;
    const turns = free.plan(set, { batchSize: 512, memory });
    expect(turns.worker.arena).toBeLessThan(together.worker.arena);
    expect(turns.worker.instances).toBe(1);
    expect(turns.recomputedFlops).toBe(0);
    const bounded = new Trainer(free.model, {
      loss: nn.mseLoss,
      optimizer: optim.sgd({ lr: 0.01 }),
      workers: 1,
      shards: 4,
      memory,
    });
    const before = parametersOf(free.model);
    await collect(bounded.fit(set, { batchSize: 512 }));
    const inTurn = parametersOf(free.model);
    free.model.parameters().forEach((parameter, i, all) => {
      const start = all.slice(0, i).reduce((sum, { size }) => sum + size, 0);
      parameter.storage.data.set(before.slice(start, start + parameter.size));
    });
    await collect(free.fit(set, { batchSize: 512 }));
    expect(parametersOf(free.model)).toEqual(inTurn);
  });

  it('trains on streams', async () => {
    const items = async function* () {
      const { inputs, targets } = train;
      for (let i = 0; i < 2500; i++) {
        const row = inputs.data.subarray(i * features, (i + 1) * features);
        yield { inputs: row, target: targets.data[i] as number };
      }
    };
    const stream = () =>
      data.stream(items, { inputs: { shape: [features] }, targets: { shape: [], dtype: 'int32' } });
    const options = { batchSize: 1000, shuffle: false };
    const least = leastIn(() => trainerOf().plan(stream(), { batchSize: 1000, memory: 1 }));
    const bounded = trainerOf({ memory: least });
    const free = trainerOf();
    expect(stepLosses(await collect(bounded.fit(stream(), options)))).toEqual(
      stepLosses(await collect(free.fit(stream(), options))),
    );
    expect(parametersOf(bounded.model)).toEqual(parametersOf(free.model));
  });
});

describe('plan', () => {
  it('starts no thread, changes nothing, and adds up', () => {
    const start = vi.spyOn(WorkerPool, 'start');
    const trainer = trainerOf();
    const before = parametersOf(trainer.model);
    const plan = trainer.plan(train, { batchSize: 1000, memory: '1GB' });
    const { parameters, gradients, optimizer, other } = plan.shared;
    expect(parameters + gradients + optimizer + other + plan.perWorkers).toBe(plan.peak);
    const { arena, instances, inputs, plans, total } = plan.worker;
    if (instances === 1) expect(arena + inputs + plans).toBe(total);
    expect(plan.steps).toBe(10);
    expect(plan.worker.kept).toBeGreaterThan(LAYERS * 250 * features * 4);
    expect(plan.worker.kept).toBeLessThanOrEqual(arena);
    // Two operations for each weight and sample forwards, and twice as many backwards.
    const products = 6 * 1000 * features * (LAYERS * features + 3);
    expect(plan.flops).toBeGreaterThan(0.95 * products);
    expect(plan.flops).toBeLessThan(1.3 * products);
    expect(start).not.toHaveBeenCalled();
    expect(parametersOf(trainer.model)).toEqual(before);
    structuredClone(plan);
  });

  it('tells what ten other budgets would cost', () => {
    const trainer = trainerOf();
    const { curve } = trainer.plan(train, fitOptions);
    expect(curve.length).toBeGreaterThan(2);
    expect(new Set(curve.map((point) => point.bytes)).size).toBe(curve.length);
    const bytes = curve.map((point) => point.bytes);
    expect(bytes).toEqual(bytes.toSorted((a, b) => b - a));
    expect(curve[0]?.recomputedFlops).toBe(0);
    const some = curve.filter((_, i) => LONG || i < 2 || i === curve.length - 1);
    const work = some.map((point) => {
      const chosen = trainer.plan(train, { ...fitOptions, memory: point.bytes });
      expect(chosen.peak).toBe(point.bytes);
      expect(chosen.recomputedFlops).toBe(point.recomputedFlops);
      return recomputedWork(chosen.plans.after);
    });
    expect(work).toEqual(work.toSorted((a, b) => a - b));
  });
});

describe('maxBatch', () => {
  it('fits, and one sample more does not', () => {
    const trainer = trainerOf();
    const [{ bytes: memory } = { bytes: 0 }] = trainer.plan(train, { batchSize: 3000 }).curve;
    const batch = trainer.maxBatch(train, { memory });
    expect(batch).toBeGreaterThan(3000);
    expect(trainer.plan(train, { batchSize: batch, memory }).peak).toBeLessThanOrEqual(memory);
    expect(() => trainer.plan(train, { batchSize: batch + 1, memory })).toThrow('memory must be at least');
  });

  it('is all samples where there is room, or as many as asked for', () => {
    expect(trainerOf().maxBatch(train, { memory: '1GB' })).toBe(10_000);
    expect(trainerOf({ memory: '1GB' }).maxBatch(train, { most: 600 })).toBe(600);
  });

  it('is refused where one sample is too many', () => {
    expect(() => trainerOf().maxBatch(train, { memory: 1000 })).toThrow('memory must be at least');
  });
});
