import {
  ChainruleError,
  data,
  dataParallel,
  mean,
  nn,
  optim,
  square,
  sub,
  type Tensor,
  Trainer,
  tensor,
} from 'chainrule';
import { describe, expect, it } from 'vitest';
import { encodeError } from '#lib/graph/encode-error.js';
import { decodeError } from '#lib/graph/error-data.js';
import { failure } from '../helpers/graphs.js';
import { collect, noise } from '../helpers/training.js';

class Encoder extends nn.Module {
  readonly layers = [new nn.Linear(2, 4), new nn.Linear(3, 4)];
  forward(x: Tensor): Tensor {
    return this.layers.reduce((value: Tensor, layer) => layer.forward(value), x);
  }
}

/** A model whose second layer does not fit the first. */
class Broken extends nn.Module {
  readonly encoder = new Encoder();
  readonly fc1 = new nn.Linear(4, 1);
  forward(x: Tensor): Tensor {
    return this.fc1.forward(this.encoder.forward(x));
  }
}

const trainerOf = (model: nn.Module, loss: nn.Loss = nn.mseLoss, metrics = {}) =>
  new Trainer(model, { loss, metrics, optimizer: optim.sgd({ lr: 0.1 }), workers: 2, shards: 2 });

type Source = Parameters<typeof data.fromArrays>[0];

const failing = (model: nn.Module, inputs: Source, targets: Source, loss?: nn.Loss) =>
  failure(
    collect(trainerOf(model, loss).fit(data.fromArrays(inputs, targets), { batchSize: 64 })),
  ) as Promise<ChainruleError>;

const pairs = { data: noise(128, 1), shape: [64, 2] };
const column = { data: noise(64, 2), shape: [64, 1] };
const row = noise(64, 2);
const labels = Int32Array.from({ length: 64 }, (_, i) => i % 3);
const rule = (layer: string, expected: string, rows: number, columns: number) =>
  `${layer}: Linear: ${expected}, got [${rows},${columns}]`;

describe('the error of a shape', () => {
  const expected = 'the last axis of the input must be 3';
  const message = (rows: number) => rule('encoder.layers.1', expected, rows, 4);

  it('names the layer and the shape of the whole batch, in fields and in words', async () => {
    const error = await failing(new Broken(), pairs, column);
    expect(error).toBeInstanceOf(ChainruleError);
    expect(error.message).toBe(message(64));
    expect(error).toMatchObject({ op: 'Linear', layer: 'encoder.layers.1', expected, received: [64, 4] });
    expect(error.code).toBe('ERR_CHAINRULE_INVALID');
    expect(error.stack).toMatch(/^ChainruleError: encoder\.layers\.1: Linear: the last axis/);
    expect(error.stack).toContain('model-errors.test.ts');
  });

  it('names the layer in every call of a trainer', async () => {
    const trainer = trainerOf(new Broken());
    const samples = data.fromArrays(pairs, column);
    const messageOf = async (call: () => unknown) => (await failure((async () => call())())).message;
    expect(await messageOf(() => trainer.evaluate(samples, { batchSize: 64 }))).toBe(message(64));
    expect(await messageOf(() => trainer.predict([[1, 2]]))).toBe(message(1));
    expect(await messageOf(() => trainer.plan(samples, { batchSize: 64 }))).toBe(message(64));
    expect(await messageOf(() => trainer.maxBatch(samples, { most: 64 }))).toBe(message(32));
    expect(await messageOf(() => trainer.inspect(samples, { batchSize: 8 }))).toBe(message(8));
    expect(await messageOf(() => trainer.profile(samples, { batchSize: 64 }))).toBe(message(64));
    expect(await messageOf(() => trainer.pace(samples, { batchSize: 64 }))).toBe(message(64));
  });

  it('has no layer in the model itself, in its loss, and in a call of its own', async () => {
    const error = await failing(new nn.Linear(3, 1), pairs, column);
    expect(error.message).toBe('Linear: the last axis of the input must be 3, got [64,2]');
    expect(error.layer).toBeUndefined();
    expect((await failing(new nn.Linear(2, 3), pairs, column)).layer).toBeUndefined();
    expect(() => new Broken().forward(tensor([[1, 2]]))).toThrow(/^Linear: the last axis/);
  });

  it('of a shard says so where the whole batch fits', async () => {
    const model = new nn.Sequential(new nn.Lambda((x) => x.reshape([64, 2])), new nn.Linear(2, 1));
    const error = await failing(model, pairs, column);
    expect(error.message).toBe(
      '0: reshape: cannot give [32,2] the shape [64,2] (in a shard of 32 of the 64 rows of a batch, each of which has ' +
        'to work alone)',
    );
    expect(error.layer).toBe('0');
  });

  it('of a data-parallel function speaks of the whole batch, too', async () => {
    const layer = new nn.Linear(3, 1);
    const x = tensor(pairs.data, { shape: [64, 2] });
    const parallel = (fn: (x: Tensor) => Tensor) => dataParallel(fn, { shards: 4 })(x);
    expect((await failure(parallel((a) => layer.forward(a)))).message).toBe(
      'Linear: the last axis of the input must be 3, got [64,2]',
    );
    expect((await failure(parallel((a) => a.reshape([64, 2])))).message).toMatch(
      /^reshape: cannot give \[16,2\] the shape \[64,2\] \(in a shard of 16 of the 64 rows/,
    );
  });

  it('keeps its layer between threads', async () => {
    const error = await failing(new Broken(), pairs, column);
    expect(decodeError(encodeError(error))).toMatchObject({ layer: error.layer, message: error.message });
  });
});

describe('an error suggests', () => {
  const pixels = noise(64 * 64, 3);
  const images = { data: pixels, shape: [64, 8, 8, 1] };
  const cases: readonly (readonly [string, () => Promise<Error>, string])[] = [
    [
      '[[y]] for targets [N] of outputs [N,1]',
      () => failing(new nn.Linear(2, 1), pairs, row),
      'mseLoss: output and target must have one shape, got [64,1] and [64]; write the targets as [[y]], a list for each ' +
        'sample, or drop the last axis of the output: squeeze(-1)',
    ],
    [
      '[y] for targets [N,1] of outputs [N]',
      () =>
        failing(
          new nn.Sequential(new nn.Linear(2, 1), new nn.Flatten(0)),
          pairs,
          column,
          nn.binaryCrossEntropyWithLogits,
        ),
      'got [64] and [64,1]; write the targets as [y], a number for each sample',
    ],
    [
      'crossEntropy for labels',
      () => failing(new nn.Linear(2, 3), pairs, labels),
      'got [64,3] and [64]; labels of classes suit nn.crossEntropy',
    ],
    [
      'labels as numbers',
      () => failing(new nn.Linear(2, 3), pairs, { data: labels, shape: [64, 1] }, nn.crossEntropy),
      'got [64,3] and [64,1]; write the labels as [y], a number for each sample',
    ],
    [
      'labels as numbers, also where they are floats',
      () => failing(new nn.Linear(2, 3), pairs, column, nn.crossEntropy),
      'the shape [64,3]; write the labels as [y], a number for each sample, got float32[64,1]',
    ],
    [
      'Flatten before a Linear',
      () =>
        failing(
          new nn.Sequential(new nn.Conv2d(1, 4, 3), new nn.Linear(144, 3)),
          images,
          labels,
          nn.crossEntropy,
        ),
      '1: Linear: the last axis of the input must be 144; is an nn.Flatten missing, which gives [64,144]?, got [64,6,6,4]',
    ],
    [
      'Flatten before a loss of labels',
      () =>
        failing(
          new nn.Sequential(new nn.Conv2d(1, 4, 3), new nn.Linear(4, 3)),
          images,
          labels,
          nn.crossEntropy,
        ),
      'got [64,6,6,3] and [64]; is there a Flatten missing in the model, as before its last Linear?',
    ],
    [
      'Flatten before a loss of differences',
      () => failing(new nn.Sequential(new nn.Conv2d(1, 4, 3), new nn.Linear(4, 1)), images, column),
      'got [64,6,6,1] and [64,1]; is there a Flatten missing in the model, as before its last Linear?',
    ],
    [
      'an axis for the channel',
      () =>
        failing(
          new nn.Sequential(new nn.Conv2d(1, 4, 3)),
          { data: pixels, shape: [64, 8, 8] },
          labels,
          nn.crossEntropy,
        ),
      '0: conv2d: images must be [N, H, W, C]; give each sample a last axis for its one channel: x.unsqueeze(-1), got [64,8,8]',
    ],
    [
      'an axis for the samples',
      async () => {
        const model = trainerOf(new nn.Sequential(new nn.Conv2d(3, 4, 3)));
        return failure(model.predict(tensor(noise(48, 1), { shape: [4, 4, 3] })));
      },
      'images must be [N, H, W, C]; one sample alone needs an axis in front: x.unsqueeze(0), got [4,4,3]',
    ],
    [
      'channels last',
      () =>
        failing(
          new nn.Sequential(new nn.Conv2d(1, 4, 3)),
          { data: pixels, shape: [64, 1, 8, 8] },
          labels,
          nn.crossEntropy,
        ),
      '([N,H,W,C] x [KH,KW,C,O]); channels come last: x.permute([0, 2, 3, 1])',
    ],
    [
      'channels last in a batch normalisation',
      () =>
        failing(
          new nn.Sequential(new nn.BatchNorm2d(1)),
          { data: pixels, shape: [64, 1, 8, 8] },
          labels,
          nn.crossEntropy,
        ),
      '0: BatchNorm2d: input must be [N,H,W,1]; channels come last: x.permute([0, 2, 3, 1]), got [64,1,8,8]',
    ],
  ];
  it.each(cases)('%s', async (_, call, expected) => {
    expect((await call()).message).toContain(expected);
  });
});

describe('a loss or metric of the user’s own', () => {
  const own = (output: Tensor, target: Tensor) => mean(square(sub(output, target)));

  it('that broadcasts outputs against the targets of other samples is refused', async () => {
    expect((await failing(new nn.Linear(2, 1), pairs, row, own)).message).toBe(
      'Trainer: the loss must compare each output with its own target, but sub broadcasts outputs [64,1] and targets ' +
        '[64] to [64,64]; write the targets as [[y]], a list for each sample, or drop the last axis of the output: ' +
        'squeeze(-1)',
    );
    const flat = new nn.Sequential(new nn.Linear(2, 1), new nn.Flatten(0));
    expect((await failing(flat, pairs, column, own)).message).toContain(
      'outputs [64] and targets [64,1] to [64,64]',
    );
    const trainer = trainerOf(new nn.Linear(2, 1), (output, target) => own(output.squeeze(-1), target), {
      error: own,
    });
    expect((await failure(trainer.evaluate(data.fromArrays(pairs, row)))).message).toContain(
      'Trainer: error must compare each output with its own target, but sub',
    );
  });

  it('may compare targets with each other, and shapes that it makes alike', async () => {
    const pairwise = (output: Tensor, target: Tensor) =>
      mean(square(sub(output, target.unsqueeze(-1)))).add(
        mean(square(sub(target.unsqueeze(-1), target))).mul(
          mean(square(sub(output, output.permute([1, 0])))),
        ),
      );
    const samples = data.fromArrays(pairs, row);
    const [epoch] = await collect(trainerOf(new nn.Linear(2, 1), pairwise).fit(samples, { batchSize: 64 }));
    expect(epoch?.loss).toBeGreaterThan(0);
  });
});
