import * as cr from 'chainrule';
import { compile, nn, type Tensor, tensor } from 'chainrule';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkLayer } from '../helpers/check-layer.js';
import { checkOp, type Fn, type InputSpec } from '../helpers/check-op.js';
import { expectClose } from '../helpers/close.js';
import type { Plain } from '../helpers/naive/naive.js';
import * as naive from '../helpers/naive/norm.js';
import { hashUniform } from '../helpers/random-graph/random.js';
import { describeRecorded, describeRecordedLayers } from '../helpers/recorded.js';

type Norm = (x: Tensor, options: cr.NormOptions) => Tensor;

/** A normalisation as a function of its input and, where they are given, its weight and its bias. */
const norm = (f: Norm, eps?: number): Fn =>
  ((x: Tensor, weight?: Tensor, bias?: Tensor) =>
    f(x, { weight: weight ?? null, bias: bias ?? null, ...(eps === undefined ? {} : { eps }) })) as Fn;
const lrn = (size: number): Fn =>
  ((x: Tensor) => cr.localResponseNorm(x, size, { alpha: 0.5, beta: 0.75, k: 2 })) as Fn;
const batch = (eps?: number): Fn =>
  ((x: Tensor, mean: Tensor, variance: Tensor, weight?: Tensor, bias?: Tensor) =>
    norm((y, options) => cr.batchNorm(y, { mean: mean.detach(), variance: variance.detach() }, options), eps)(
      x,
      ...(weight && bias ? [weight, bias] : []),
    )) as Fn;
const moments: Fn = (...[x]) => {
  const { mean, variance } = cr.channelMoments(x as Tensor);
  return cr.concat([mean.unsqueeze(0), variance.unsqueeze(0)]);
};

describeRecorded('norm_functions', {
  layerNorm: norm((x, o) => cr.layerNorm(x, 7, o)),
  'layerNorm with weight and bias': norm((x, o) => cr.layerNorm(x, [7], o)),
  'layerNorm over two axes': norm((x, o) => cr.layerNorm(x, [5, 7], o), 1e-3),
  'layerNorm far from 0': norm((x, o) => cr.layerNorm(x, 8, o)),
  rmsNorm: norm((x, { bias: _, ...o }) => cr.rmsNorm(x, 7, o)),
  'rmsNorm with weight': norm((x, { bias: _, ...o }) => cr.rmsNorm(x, 7, o), 1e-2),
  'groupNorm 1': norm((x, o) => cr.groupNorm(x, 1, o)),
  'groupNorm 2': norm((x, o) => cr.groupNorm(x, 2, o)),
  'groupNorm 6': norm((x, o) => cr.groupNorm(x, 6, o)),
  'groupNorm of vectors': norm((x, o) => cr.groupNorm(x, 2, o)),
  instanceNorm: norm(cr.instanceNorm),
  'instanceNorm of sequences': norm(cr.instanceNorm),
  batchNorm: batch(),
  'batchNorm with weight and bias': batch(0.1),
  channelMoments: moments,
  'localResponseNorm 1': lrn(1),
  'localResponseNorm 2': lrn(2),
  'localResponseNorm 3': lrn(3),
  'localResponseNorm 5': lrn(5),
});

describeRecordedLayers('norm_layers', {
  BatchNorm1d: () => new nn.BatchNorm1d(3),
  'BatchNorm1d of sequences': () => new nn.BatchNorm1d(3, { eps: 1e-2 }),
  'BatchNorm1d without affine': () => new nn.BatchNorm1d(3, { affine: false }),
  'BatchNorm1d without statistics': () => new nn.BatchNorm1d(3, { trackRunningStats: false }).eval(),
  'BatchNorm1d in eval mode': () => new nn.BatchNorm1d(3).eval(),
  BatchNorm2d: () => new nn.BatchNorm2d(4),
  'BatchNorm2d of one channel': () => new nn.BatchNorm2d(1),
  BatchNorm3d: () => new nn.BatchNorm3d(2),
  LayerNorm: () => new nn.LayerNorm(3),
  'LayerNorm over two axes': () => new nn.LayerNorm([4, 3], { eps: 1e-3 }),
  'LayerNorm without bias': () => new nn.LayerNorm(3, { bias: false }),
  'LayerNorm without affine': () => new nn.LayerNorm(3, { elementwiseAffine: false }),
  RMSNorm: () => new nn.RMSNorm(3),
  'RMSNorm over two axes': () => new nn.RMSNorm([4, 3], { eps: 1e-3, elementwiseAffine: false }),
  GroupNorm: () => new nn.GroupNorm(2, 4),
  'GroupNorm of one group': () => new nn.GroupNorm(1, 4, { eps: 1e-3 }),
  'GroupNorm without affine': () => new nn.GroupNorm(4, 4, { affine: false }),
  InstanceNorm1d: () => new nn.InstanceNorm1d(3),
  InstanceNorm2d: () => new nn.InstanceNorm2d(4, { affine: true }),
  LocalResponseNorm: () => new nn.LocalResponseNorm(3, { alpha: 0.5, beta: 0.6, k: 1.5 }),
  'Dropout1d in eval mode': () => new nn.Dropout1d(0.5).eval(),
  'Dropout2d in eval mode': () => new nn.Dropout2d(0.5).eval(),
  'AlphaDropout in eval mode': () => new nn.AlphaDropout(0.5).eval(),
  Embedding: () => new nn.Embedding(5, 3),
  'Embedding with padding': () => new nn.Embedding(5, 3, { paddingIdx: 1 }),
  Identity: () => new nn.Identity(),
  Residual: () => new nn.Residual(new nn.Linear(3, 3)),
  'Residual with a shortcut': () =>
    new nn.Residual(new nn.Linear(3, 2), { shortcut: new nn.Linear(3, 2, { bias: false }) }),
});

const dtype = 'float64';
const positive: InputSpec = { shape: [3], low: 0.5, high: 2 };
const functions: [string, Fn, (readonly number[] | InputSpec)[], naive.Reference][] = [
  ['layerNorm', norm((x, o) => cr.layerNorm(x, 3, o)), [[2, 3]], naive.layerNorm(1)],
  [
    'layerNorm with weight and bias',
    norm((x, o) => cr.layerNorm(x, [2, 3], o), 0.1),
    [
      [2, 2, 3],
      [2, 3],
      [2, 3],
    ],
    naive.layerNorm(2, 0.1),
  ],
  ['layerNorm of one sample', norm((x, o) => cr.layerNorm(x, 3, o)), [[3]], naive.layerNorm(1)],
  ['rmsNorm', norm((x, { bias: _, ...o }) => cr.rmsNorm(x, 3, o)), [[2, 3], [3]], naive.rmsNorm],
  ['groupNorm 2', norm((x, o) => cr.groupNorm(x, 2, o)), [[2, 3, 4], [4], [4]], naive.groupNorm(2)],
  ['groupNorm 1', norm((x, o) => cr.groupNorm(x, 1, o)), [[2, 2, 1, 3]], naive.groupNorm(1)],
  ['instanceNorm', norm(cr.instanceNorm), [[2, 3, 2], [2], [2]], naive.groupNorm(2)],
  ['instanceNorm of images', norm(cr.instanceNorm), [[1, 2, 2, 3]], naive.groupNorm(3)],
  [
    'batchNorm',
    ((x: Tensor, mean: Tensor, variance: Tensor, weight: Tensor, bias: Tensor) =>
      cr.batchNorm(x, { mean, variance }, { weight, bias })) as Fn,
    [[2, 2, 3], [3], positive, [3], [3]],
    naive.batchNorm,
  ],
  [
    'batchNorm by its own statistics',
    norm((x, o) => cr.batchNorm(x, null, o)),
    [[2, 2, 3], [3], [3]],
    (...[x, weight, bias]) => {
      const { data } = naive.channelMoments(x as Plain);
      const vector = (from: number): Plain => ({ shape: [3], data: data.slice(from, from + 3) });
      return naive.batchNorm(x as Plain, vector(0), vector(3), weight as Plain, bias as Plain);
    },
  ],
  ['channelMoments', moments, [[2, 3, 2]], naive.channelMoments],
  ['localResponseNorm', lrn(3), [[2, 5]], naive.localResponseNorm(3, 0.5, 0.75, 2)],
];
const layers: [string, () => nn.Module, (readonly number[])[]][] = [
  ['BatchNorm1d', () => new nn.BatchNorm1d(3, { dtype }), [[4, 3]]],
  ['BatchNorm1d in eval mode', () => new nn.BatchNorm1d(3, { dtype }).eval(), [[1, 2, 3]]],
  ['BatchNorm2d', () => new nn.BatchNorm2d(2, { dtype }), [[1, 3, 2, 2]]],
  ['BatchNorm3d', () => new nn.BatchNorm3d(2, { dtype }), [[2, 1, 2, 1, 2]]],
  ['LayerNorm', () => new nn.LayerNorm([2, 2], { dtype }), [[2, 2, 2]]],
  ['RMSNorm', () => new nn.RMSNorm(3, { dtype }), [[2, 3]]],
  ['GroupNorm', () => new nn.GroupNorm(2, 4, { dtype }), [[2, 2, 4]]],
  ['InstanceNorm1d', () => new nn.InstanceNorm1d(2, { affine: true, dtype }), [[2, 3, 2]]],
  ['InstanceNorm2d', () => new nn.InstanceNorm2d(2, { dtype }), [[1, 2, 2, 2]]],
  ['LocalResponseNorm', () => new nn.LocalResponseNorm(2), [[2, 3]]],
  ['SinusoidalEncoding', () => new nn.SinusoidalEncoding(), [[2, 3, 4]]],
  ['LearnedEncoding', () => new nn.LearnedEncoding(5, 2, { dtype }), [[2, 3, 2]]],
  [
    'Residual',
    () =>
      new nn.Residual(new nn.Linear(2, 3, { dtype }), {
        shortcut: new nn.Linear(2, 3, { bias: false, dtype }),
      }),
    [[2, 2]],
  ],
  [
    'Checkpoint',
    () => new nn.Checkpoint(new nn.Sequential(new nn.Linear(2, 3, { dtype }), new nn.Tanh())),
    [[2, 2]],
  ],
  ['Lambda', () => new nn.Lambda((x) => x.square()), [[2, 2]]],
  ['Identity', () => new nn.Identity(), [[2, 2]]],
  ['Dropout1d in eval mode', () => new nn.Dropout1d().eval(), [[1, 2, 2]]],
  ['Dropout2d in eval mode', () => new nn.Dropout2d().eval(), [[1, 1, 2, 2]]],
  ['AlphaDropout in eval mode', () => new nn.AlphaDropout().eval(), [[2, 2]]],
  ['DropPath in eval mode', () => new nn.DropPath().eval(), [[2, 2]]],
];

describe('normalisations in float64', () => {
  it.each(functions)(
    '%s has the value and gradients of its definition',
    async (name, fn, inputs, reference) => {
      await checkOp(name, fn, inputs, { reference });
    },
  );

  it.each(layers)('%s has the gradients of its differences', async (name, create, inputs) => {
    await checkLayer(
      name,
      create,
      inputs.map((shape) => ({ shape })),
    );
  });

  it('Embedding has the gradients of its differences, but for the padding', async () => {
    const indices = tensor(Int32Array.of(2, 0, 2, 1, 3), { shape: [5] });
    const create = () => new nn.Lambda(() => layer.forward(indices));
    let layer = new nn.Embedding(4, 2, { dtype });
    await checkOp(
      'Embedding',
      ((weight: Tensor) => {
        layer = Object.assign(new nn.Embedding(4, 2, { dtype }), { weight });
        return create().forward();
      }) as Fn,
      [[4, 2]],
    );
  });
});

describe('Embedding', () => {
  it('starts from standard normal rows, and zeros for the padding', () => {
    const layer = new nn.Embedding(500, 20, { paddingIdx: -2 }).init(3);
    const values = [...layer.weight.storage.data];
    expect(new Set(values.splice(498 * 20, 20))).toEqual(new Set([0]));
    const mean = values.reduce((a, b) => a + b) / values.length;
    const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length;
    expect(Math.abs(mean)).toBeLessThan(5 / Math.sqrt(values.length));
    expect(Math.abs(variance - 1)).toBeLessThan(5 * Math.sqrt(2 / values.length));
  });

  it('stops a run with an index outside of the table', async () => {
    const layer = new nn.Embedding(3, 2);
    const run = compile((indices: Tensor) => layer.forward(indices));
    await expect(run(Int32Array.of(0, 3))).rejects.toThrow('gather: index 3');
    run.release();
  });
});

describe('normalisations of random shapes', () => {
  const size = fc.integer({ min: 1, max: 5 });
  const lift = ({ shape, data }: Plain) => tensor(Float64Array.from(data), { shape });
  const draw = (shape: readonly number[], seed: number): Plain => ({
    shape,
    data: hashUniform(
      shape.reduce((a, b) => a * b),
      seed,
      -3,
      3,
    ),
  });
  const shape = fc.array(size, { minLength: 2, maxLength: 4 });

  it('over trailing dimensions are their definitions', async () => {
    const property = fc.asyncProperty(shape, size, fc.nat(1e6), async (dimensions, count, seed) => {
      const axes = Math.min(count, dimensions.length);
      const [x, weight, bias] = [dimensions, dimensions.slice(-axes), dimensions.slice(-axes)].map((of, i) =>
        draw(of, seed + i),
      ) as [Plain, Plain, Plain];
      const actual = cr.layerNorm(lift(x), dimensions.slice(-axes), {
        weight: lift(weight),
        bias: lift(bias),
      });
      const expected = naive.layerNorm(axes)(x, weight, bias);
      expectClose('layerNorm', await actual.data(), expected.data, { relative: 1e-11 });
    });
    await fc.assert(property, { numRuns: 60, seed: 20262 });
  });

  it('of groups of channels are their definitions', async () => {
    const property = fc.asyncProperty(shape, size, fc.nat(1e6), async (outer, groups, seed) => {
      const channels = groups * ((seed % 3) + 1);
      const x = draw([...outer.slice(0, 3), channels], seed);
      const actual = cr.groupNorm(lift(x), groups);
      expectClose('groupNorm', await actual.data(), naive.groupNorm(groups)(x).data, { relative: 1e-11 });
      const { mean, variance } = cr.channelMoments(lift(x));
      const moments = naive.channelMoments(x).data;
      const found = [...(await mean.data()), ...(await variance.data())];
      expectClose('channelMoments', found, moments, { relative: 1e-12 });
    });
    await fc.assert(property, { numRuns: 60, seed: 20263 });
  });
});

describe('an empty batch', () => {
  const empty = (...shape: number[]) => cr.zeros(shape);
  it.each([
    ['layerNorm', () => cr.layerNorm(empty(0, 3), 3)],
    ['rmsNorm', () => cr.rmsNorm(empty(0, 3), 3)],
    ['groupNorm', () => cr.groupNorm(empty(0, 2, 4), 2)],
    ['instanceNorm', () => cr.instanceNorm(empty(0, 2, 4))],
    ['BatchNorm1d in eval mode', () => new nn.BatchNorm1d(3).eval().forward(empty(0, 3))],
    ['localResponseNorm', () => cr.localResponseNorm(empty(0, 3), 2)],
    ['Dropout2d', () => new nn.Dropout2d().forward(empty(0, 2, 2, 3))],
    ['Embedding', () => new nn.Embedding(3, 2).forward(cr.zeros([0], 'int32'))],
    ['MultiheadAttention', () => new nn.MultiheadAttention(4, 2).forward(empty(0, 3, 4))],
    ['rotaryEmbedding', () => cr.rotaryEmbedding(empty(0, 4))],
  ])('goes through %s', async (_, fn) => {
    const result = fn();
    expect(result.size).toBe(0);
    expect(await result.data()).toHaveLength(0);
  });
});
