import { data, nn, optim, Trainer, type TrainerOptions } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { useFolder } from '../helpers/folder.js';
import { failure } from '../helpers/graphs.js';
import { hashOf } from '../helpers/runs.js';
import { collect, points } from '../helpers/training.js';

const folder = useFolder();

/** Whose shards have to work alone. */
const norm = (statistics: 'batch' | 'shard' = 'shard') =>
  new nn.Sequential(new nn.Linear(6, 5), new nn.BatchNorm1d(5, { statistics }), new nn.Linear(5, 3));
const plain = () => new nn.Sequential(new nn.Linear(6, 5), new nn.Tanh(), new nn.Linear(5, 3));

const trainerOf = (model: nn.Module, options: Partial<TrainerOptions> = {}) =>
  new Trainer(model, {
    loss: nn.crossEntropy,
    optimizer: optim.adam({ lr: 0.01 }),
    workers: 2,
    ...('workers' in options ? {} : { shards: 2 }),
    seed: 3,
    ...options,
  });

/** The first `count` points as a stream. */
function streamed(count: number, options: { length?: number; onBadItem?: 'skip' } = {}) {
  const { inputs, targets } = points(count);
  const items = Array.from({ length: count }, (_, i) => ({
    inputs: inputs.data.subarray(6 * i, 6 * i + 6),
    target: targets.data[i] as number,
  }));
  return data.stream(() => items, { inputs: { shape: [6] }, queue: 4, ...options });
}

describe('a last batch that the model cannot be trained on', () => {
  const refused = async (samples: number, batchSize: number, options?: Partial<TrainerOptions>) => {
    const trainer = trainerOf(norm(), options);
    const error = await failure(collect(trainer.fit(points(samples), { batchSize })));
    expect(trainer.steps).toBe(0);
    return error.message;
  };
  const rule = '1: BatchNorm1d: needs more than one value per channel for its statistics, got [1,5]';

  it.each<[string, number, number, Partial<TrainerOptions>, string]>([
    [
      'over two shards',
      8,
      6,
      {},
      'the last batch of 2 samples over 2 shards gives shards of 1; use dropLast: true, shards: 1 or another batchSize',
    ],
    [
      'over shards of two sizes',
      13,
      8,
      { shards: 4 },
      'the last batch of 5 samples over 4 shards gives shards of 2 and 1; use dropLast: true, shards: 1 or another batchSize',
    ],
    [
      'of one sample, which fewer shards do not help',
      9,
      8,
      {},
      'the last batch of 1 sample over 2 shards gives shards of 1; use dropLast: true or another batchSize',
    ],
    [
      'as a whole',
      9,
      8,
      { workers: 1 },
      'the last batch of 1 sample is too small; use dropLast: true or another batchSize',
    ],
    [
      'as all others, which are named then',
      9,
      2,
      {},
      'in a shard of 1 of the 2 rows of a batch, each of which has to work alone',
    ],
  ])('is named before the first step: %s', async (_, samples, batchSize, options, note) => {
    expect(await refused(samples, batchSize, options)).toBe(`${rule} (${note})`);
  });

  it('of a stream is one sample for statistics of the batch', async () => {
    const lines: string[] = [];
    const log = (line: string) => lines.push(line);
    await collect(trainerOf(norm('batch'), { log }).fit(streamed(38), { batchSize: 6 }));
    expect(lines.join('\n')).toContain(
      'a last batch of one sample is refused, unless dropLast leaves it out',
    );
    const trainer = trainerOf(norm('batch'));
    const error = await failure(collect(trainer.fit(streamed(37), { batchSize: 6 })));
    expect(error.message).toContain('the last batch of 1 sample is too small; use dropLast: true');
    expect(trainer.steps).toBe(6);
  });

  it('is no matter of shards that nobody asked for', async () => {
    const features = 400;
    const layers = [new nn.Linear(features, 500), new nn.BatchNorm1d(500, { statistics: 'shard' })];
    const trainer = trainerOf(new nn.Sequential(...layers, new nn.Linear(500, 3)), { workers: 'auto' });
    expect(trainer.plan(points(6, { features }), { batchSize: 6 }).shards).toBe(2);
    const [epoch] = await collect(trainer.fit(points(8, { features }), { batchSize: 6 }));
    expect(epoch?.stepLosses).toHaveLength(2);
  });

  it('is left out by dropLast', async () => {
    const [epoch] = await collect(trainerOf(norm()).fit(points(8), { batchSize: 6, dropLast: true }));
    expect(epoch?.stepLosses).toHaveLength(1);
  });

  it('of a stream is refused at the start, if the stream tells its length', async () => {
    const trainer = trainerOf(norm());
    const error = await failure(collect(trainer.fit(streamed(38, { length: 38 }), { batchSize: 6 })));
    expect(error.message).toContain(
      'the last batch of 2 samples over 2 shards gives shards of 1; use dropLast',
    );
    expect(trainer.steps).toBe(0);
  });

  it('of any other stream is announced in the log, and refused with whole steps only', async () => {
    const lines: string[] = [];
    const trainer = trainerOf(norm(), { log: (line) => lines.push(line) });
    const error = await failure(collect(trainer.fit(streamed(38), { batchSize: 6 })));
    expect(lines.join('\n')).toContain(
      'a last batch of fewer than 4 samples is refused, unless dropLast leaves it out',
    );
    expect(error.message).toMatch(
      /the last batch of 2 samples over 2 shards gives shards of 1; .* \(at epoch 1, step 6; the parameters are those of the last whole step\)$/,
    );
    expect(trainer.steps).toBe(6);
    const whole = trainerOf(norm());
    await collect(whole.fit(points(38).take(36), { batchSize: 6, shuffle: false }));
    const other = trainerOf(norm());
    await failure(collect(other.fit(streamed(38), { batchSize: 6, shuffle: false })));
    expect(hashOf(other.model)).toBe(hashOf(whole.model));
  });

  it('is not announced where no last batch is refused', async () => {
    const lines: string[] = [];
    const log = (line: string) => lines.push(line);
    await collect(trainerOf(plain(), { log }).fit(streamed(38), { batchSize: 6 }));
    await collect(trainerOf(norm(), { log }).fit(streamed(38), { batchSize: 6, dropLast: true }));
    await collect(trainerOf(norm(), { log }).fit(streamed(36, { length: 36 }), { batchSize: 6 }));
    expect(lines.filter((line) => line.includes('last batch'))).toEqual([]);
  });

  it('is no size that maxBatch gives', () => {
    const memory = '200MB';
    expect(trainerOf(norm()).maxBatch(points(9), { memory, most: 8 })).toBe(5);
    expect(trainerOf(norm()).maxBatch(points(9), { memory, most: 8, dropLast: true })).toBe(8);
    expect(trainerOf(plain()).maxBatch(points(9), { memory, most: 8 })).toBe(8);
  });
});

describe('dropLast', () => {
  const options = { batchSize: 6, epochs: 2, dropLast: true };

  it('trains on the full batches, of which each epoch shuffles others', async () => {
    const inOrder = { ...options, shuffle: false };
    const [dropped, taken] = [trainerOf(plain()), trainerOf(plain())];
    await collect(dropped.fit(points(20), inOrder));
    await collect(taken.fit(points(20).take(18), { ...inOrder, dropLast: false }));
    expect(dropped.steps).toBe(6);
    expect(hashOf(dropped.model)).toBe(hashOf(taken.model));

    const [shuffled, firsts] = [trainerOf(plain()), trainerOf(plain())];
    await collect(shuffled.fit(points(20), options));
    await collect(firsts.fit(points(20).take(18), options));
    expect(hashOf(shuffled.model)).not.toBe(hashOf(firsts.model));
  });

  it('has the same bits for a stream', async () => {
    const [dropped, streaming] = [trainerOf(plain()), trainerOf(plain())];
    await collect(dropped.fit(points(27), { ...options, shuffle: false }));
    await collect(streaming.fit(streamed(27), { ...options, shuffle: false }));
    expect(hashOf(streaming.model)).toBe(hashOf(dropped.model));
    // A half of the queue has 12 items, of which the last ones fill no batch here.
    const few = trainerOf(plain());
    await collect(few.fit(streamed(26), { ...options, shuffle: false }));
    expect(few.steps).toBe(8);
  });

  it('counts in progress, plans and what is left of an epoch', async () => {
    const seen: number[][] = [];
    const onProgress = ({ steps, examples }: { steps: number; examples: number }) =>
      seen.push([steps, examples]);
    const trainer = trainerOf(plain());
    const [epoch] = await collect(trainer.fit(points(20), { ...options, epochs: 1, onProgress }));
    expect(seen.at(-1)).toEqual([3, 18]);
    expect(epoch?.stepLosses).toHaveLength(3);
    expect(trainer.plan(points(20), options).steps).toBe(3);
    expect(trainer.plan(points(20), { ...options, dropLast: false }).steps).toBe(4);
    expect(trainer.plan(streamed(20, { length: 20 }), options).steps).toBe(3);
    expect((await trainer.pace(points(20), options)).steps).toBeGreaterThan(0);
    const lastOfStream: number[] = [];
    await collect(
      trainerOf(plain()).fit(streamed(20, { length: 20 }), {
        ...options,
        onProgress: ({ steps }) => lastOfStream.push(steps),
      }),
    );
    expect(lastOfStream.at(-1)).toBe(3);
  });

  it('takes no memory for the shards of the last batch', () => {
    const trainer = trainerOf(plain(), { shards: 1, workers: 1 });
    const of = (dropLast: boolean) => trainer.plan(points(20), { batchSize: 6, dropLast }).worker;
    expect(of(true).inputs).toBeLessThan(of(false).inputs);
    const ofStream = (dropLast: boolean) => trainer.plan(streamed(20), { batchSize: 6, dropLast }).worker;
    expect(ofStream(true).inputs).toBeLessThan(ofStream(false).inputs);
  });

  it('leaves no epoch without a step', async () => {
    const rule = 'fit: with dropLast, batchSize must be at most the 5 samples, got 6';
    for (const samples of [points(5), streamed(5), streamed(5, { length: 5 })]) {
      expect((await failure(collect(trainerOf(plain()).fit(samples, options)))).message).toBe(rule);
    }
  });

  it('validates on all samples', async () => {
    const trainer = trainerOf(plain());
    const validation = points(20, { seed: 2 });
    const [epoch] = await collect(trainer.fit(points(20), { ...options, epochs: 1, validation }));
    expect(epoch?.validation).toEqual(await trainer.evaluate(validation, { batchSize: 6 }));
    const evaluated = failure(Reflect.apply(trainer.evaluate, trainer, [validation, { dropLast: true }]));
    expect((await evaluated).message).toBe(
      'evaluate: unknown option dropLast; it is an option of fit; every sample is evaluated',
    );
  });

  it('resumes to the same weights, and makes another run if it differs', async () => {
    const checkpoint = { dir: folder(), everySteps: 1 };
    const whole = trainerOf(plain());
    await collect(whole.fit(points(20), { ...options, epochs: 3 }));
    await collect(trainerOf(plain()).fit(points(20), { ...options, epochs: 1, checkpoint }));
    const resumed = trainerOf(plain());
    await collect(resumed.fit(points(20), { ...options, epochs: 3, checkpoint }));
    expect(hashOf(resumed.model)).toBe(hashOf(whole.model));
    const other = trainerOf(plain()).fit(points(20), { ...options, dropLast: false, epochs: 4, checkpoint });
    expect((await failure(collect(other))).message).toContain(
      'dropLast: true in the checkpoint, false given',
    );
  });

  it.each(['drop_last', 'drop_remainder'])('is what %s is called elsewhere', async (name) => {
    const trainer = trainerOf(plain());
    const fit = Reflect.apply(trainer.fit, trainer, [points(20), { [name]: true }]);
    expect((await failure(collect(fit))).message).toContain(`unknown option ${name}; did you mean dropLast?`);
  });
});
