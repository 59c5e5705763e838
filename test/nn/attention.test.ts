import * as cr from 'chainrule';
import { compile, grad, nn, type Tensor, tensor } from 'chainrule';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkLayer } from '../helpers/check-layer.js';
import { checkOp, type Fn } from '../helpers/check-op.js';
import { expectClose } from '../helpers/close.js';
import { attentionPlain } from '../helpers/naive/attention.js';
import { at, build, type Plain } from '../helpers/naive/naive.js';
import { hashUniform } from '../helpers/random-graph/random.js';
import { describeRecorded, describeRecordedLayers } from '../helpers/recorded.js';

const { scaledDotProductAttention } = cr;
const attend = (options: cr.AttentionOptions = {}): Fn =>
  ((q: Tensor, k: Tensor, v: Tensor, mask?: Tensor) =>
    scaledDotProductAttention(q, k, v, mask ? { mask, ...options } : options)) as Fn;
const infinite = Float32Array.from(hashUniform(15, 4), (u, i) => (i % 5 === 0 || u < 0.6 ? 0 : -Infinity));

describeRecorded('attention_functions', {
  scaledDotProductAttention: attend(),
  'scaledDotProductAttention of matrices': attend(),
  'scaledDotProductAttention with a bool mask': attend(),
  'scaledDotProductAttention with a float mask': attend(),
  'scaledDotProductAttention with an infinite mask': attend({ mask: tensor(infinite, { shape: [3, 5] }) }),
  'scaledDotProductAttention causal': attend({ causal: true }),
  'scaledDotProductAttention causal, fewer keys': attend({ causal: true }),
  'scaledDotProductAttention with a scale': attend({ scale: 0.3 }),
  'scaledDotProductAttention of large scores': attend({ scale: 64 }),
  rotaryEmbedding: ((x: Tensor) => cr.rotaryEmbedding(x)) as Fn,
  'rotaryEmbedding of halves': ((x: Tensor) => cr.rotaryEmbedding(x, { interleaved: false })) as Fn,
  sinusoidalEncoding: () => cr.sinusoidalEncoding(7, 6),
  'sinusoidalEncoding of an odd width': () => cr.sinusoidalEncoding(4, 5),
});

/** A layer that is called with masks as further inputs. */
function withMasks<L extends nn.Module>(
  layer: L,
  call: (layer: L, x: Tensor, second: Tensor, third: Tensor, fourth: Tensor) => Tensor,
): L {
  const forward = (...inputs: Tensor[]) => call(layer, ...(inputs as [Tensor, Tensor, Tensor, Tensor]));
  return Object.assign(layer, { forward });
}

const options = { dimFeedforward: 6, dropout: 0 };
const multihead = (heads = 2, more: nn.MultiheadAttentionOptions = {}) =>
  new nn.MultiheadAttention(4, heads, more);
const encoder = (more: nn.TransformerLayerOptions = {}) =>
  new nn.TransformerEncoderLayer(4, 2, { ...options, ...more });
const decoder = (more: nn.TransformerLayerOptions = {}) =>
  new nn.TransformerDecoderLayer(4, 2, { ...options, ...more });

describeRecordedLayers('attention', {
  MultiheadAttention: () => multihead(),
  'MultiheadAttention of one head, without bias': () => multihead(1, { bias: false }),
  'MultiheadAttention to a memory': () => multihead(),
  'MultiheadAttention to keys and values': () => multihead(4),
  'MultiheadAttention of other widths': () => multihead(2, { kdim: 3, vdim: 5 }),
  'MultiheadAttention of a wide memory': () => multihead(2, { kdim: 3, vdim: 3 }),
  'MultiheadAttention with padding': () =>
    withMasks(multihead(), (m, x, keyPaddingMask) => m.attend(x, x, x, { keyPaddingMask })),
  'MultiheadAttention with a mask': () => withMasks(multihead(), (m, x, mask) => m.attend(x, x, x, { mask })),
  'MultiheadAttention with a float mask': () =>
    withMasks(multihead(), (m, x, mask) => m.attend(x, x, x, { mask })),
  'MultiheadAttention causal, with padding': () =>
    withMasks(multihead(), (m, x, keyPaddingMask) => m.attend(x, x, x, { keyPaddingMask, causal: true })),
  TransformerEncoderLayer: () => encoder(),
  'TransformerEncoderLayer norm first, gelu': () => encoder({ normFirst: true, activation: 'gelu' }),
  'TransformerEncoderLayer without bias': () => encoder({ bias: false, layerNormEps: 1e-3 }),
  'TransformerEncoderLayer causal, with padding': () =>
    withMasks(encoder({ causal: true }), (layer, x, keyPaddingMask) => layer.encode(x, { keyPaddingMask })),
  TransformerDecoderLayer: () => decoder(),
  'TransformerDecoderLayer norm first': () => decoder({ normFirst: true }),
  'TransformerDecoderLayer with masks': () =>
    withMasks(decoder({ activation: 'gelu' }), (layer, x, memory, padding, remote) =>
      layer.decode(x, memory, {
        self: { causal: true, keyPaddingMask: padding },
        memory: { keyPaddingMask: remote },
      }),
    ),
  TransformerEncoder: () => new nn.TransformerEncoder(2, () => encoder()),
  'TransformerEncoder with a norm, causal': () =>
    new nn.TransformerEncoder(2, () => encoder({ causal: true }), { norm: new nn.LayerNorm(4) }),
  TransformerDecoder: () =>
    new nn.TransformerDecoder(2, () => decoder({ normFirst: true }), { norm: new nn.LayerNorm(4) }),
});

const dtype = 'float64';
const bools = (values: readonly number[], shape: readonly number[]) =>
  tensor(Uint8Array.from(values), { shape, dtype: 'bool' });
// The first query may attend to nothing.
const gaps = [0, 0, 0, 1, 0, 1];
const gapsAt = ([row, column]: readonly number[]) => gaps[(row as number) * 3 + (column as number)] === 1;
const two = [
  [2, 4],
  [3, 4],
  [3, 5],
];
type Check = [string, Fn, (readonly number[])[], ((...inputs: Plain[]) => Plain)?];
const plain =
  (mask?: (index: readonly number[]) => boolean | number, scale?: number) =>
  (...[q, k, v]: Plain[]) =>
    attentionPlain(q as Plain, k as Plain, v as Plain, mask, scale);
const causally = ([row, column]: readonly number[]) => (column as number) <= (row as number);
const functions: Check[] = [
  ['scaledDotProductAttention', attend(), two, plain()],
  [
    'scaledDotProductAttention of heads',
    attend({ scale: 2 }),
    [
      [2, 1, 3],
      [2, 2, 3],
      [2, 2, 1],
    ],
    plain(undefined, 2),
  ],
  ['scaledDotProductAttention with a negative scale', attend({ scale: -3 }), two, plain(undefined, -3)],
  ['scaledDotProductAttention causal', attend({ causal: true }), two, plain(causally)],
  ['scaledDotProductAttention with a gap', attend({ mask: bools(gaps, [2, 3]) }), two, plain(gapsAt)],
  [
    'scaledDotProductAttention causal with a gap',
    attend({ mask: bools([0, 1, 1, 1, 1, 1], [2, 3]), causal: true }),
    two,
    plain((index) => causally(index) && index[0] !== 0),
  ],
  [
    'scaledDotProductAttention with a learned mask',
    attend(),
    [...two, [2, 3]],
    (q, k, v, mask) =>
      attentionPlain(q as Plain, k as Plain, v as Plain, (index) => at(mask as Plain, index)),
  ],
  [
    'rotaryEmbedding',
    ((x: Tensor) => cr.rotaryEmbedding(x, { base: 100, offset: 2 })) as Fn,
    [[3, 4]],
    (...[x]) =>
      build([3, 4], ([position = 0, feature = 0]) => {
        const angle = (position + 2) / 100 ** ((feature - (feature % 2)) / 4);
        const own = at(x as Plain, [position, feature]);
        const other = at(x as Plain, [position, feature ^ 1]);
        return own * Math.cos(angle) + (feature % 2 === 0 ? -1 : 1) * other * Math.sin(angle);
      }),
  ],
];
const layers: [string, () => nn.Module, (readonly number[])[]][] = [
  ['MultiheadAttention', () => multihead(2, { dtype }), [[1, 3, 4]]],
  [
    'MultiheadAttention causal, to a memory',
    () => multihead(2, { dtype, causal: true }),
    [
      [1, 2, 4],
      [1, 2, 4],
    ],
  ],
  [
    'MultiheadAttention with rotary positions',
    () => multihead(1, { dtype, rotary: { base: 10 } }),
    [[1, 2, 4]],
  ],
  [
    'TransformerEncoderLayer',
    () => new nn.TransformerEncoderLayer(2, 1, { dimFeedforward: 3, dropout: 0, activation: cr.tanh, dtype }),
    [[1, 2, 2]],
  ],
  [
    'TransformerDecoderLayer',
    () =>
      new nn.TransformerDecoderLayer(2, 2, {
        dimFeedforward: 2,
        dropout: 0,
        activation: cr.tanh,
        normFirst: true,
        dtype,
      }),
    [
      [1, 2, 2],
      [1, 2, 2],
    ],
  ],
];

describe('attention in float64', () => {
  it.each(functions)(
    '%s has the value and gradients of its definition',
    async (name, fn, inputs, reference) => {
      await checkOp(name, fn, inputs, reference ? { reference } : {});
    },
  );

  it('does not overflow with a large negative scale', async () => {
    const large = attend({ scale: -1e3 })(cr.ones([1, 1]), tensor([[1], [-1]]), tensor([[2], [5]]));
    expect(await large.toArray()).toEqual([[5]]);
  });

  it.each(layers)('%s has the gradients of its differences', async (name, create, inputs) => {
    await checkLayer(
      name,
      create,
      inputs.map((shape) => ({ shape })),
    );
  });

  it('of random shapes and masks is its definition', async () => {
    const size = fc.integer({ min: 1, max: 5 });
    const shapes = fc.record({
      heads: size,
      queries: size,
      keys: size,
      features: size,
      width: size,
      seed: fc.nat(1e6),
    });
    const property = fc.asyncProperty(
      shapes,
      fc.boolean(),
      async ({ heads, queries, keys, features, width, seed }, causal) => {
        const draw = (shape: readonly number[], from: number): Plain => ({
          shape,
          data: hashUniform(
            shape.reduce((a, b) => a * b),
            from,
            -3,
            3,
          ),
        });
        const [q, k, v] = [
          [queries, features],
          [keys, features],
          [keys, width],
        ].map((shape, i) => draw([heads, ...shape], seed + i)) as [Plain, Plain, Plain];
        const mask = draw([queries, keys], seed + 3).data.map((value) => (value > 0 ? 1 : 0));
        const lift = ({ shape, data }: Plain) => tensor(Float64Array.from(data), { shape });
        const actual = scaledDotProductAttention(lift(q), lift(k), lift(v), {
          mask: bools(mask, [queries, keys]),
          causal,
        });
        const expected = attentionPlain(
          q,
          k,
          v,
          ([, row = 0, column = 0]) => mask[row * keys + column] === 1 && (!causal || column <= row),
        );
        expect(actual.shape).toEqual(expected.shape);
        expectClose('attention', await actual.data(), expected.data, { relative: 1e-12 });
      },
    );
    await fc.assert(property, { numRuns: 60, seed: 20261 });
  });
});

describe('queries that may attend to nothing', () => {
  const [q, k, v] = [1, 2, 3].map((seed) =>
    tensor(Float32Array.from(hashUniform(8, seed, -2, 2)), { shape: [2, 4] }),
  ) as [Tensor, Tensor, Tensor];

  it.each([
    ['a bool mask', bools([0, 0, 0, 0], [2, 2])],
    ['minus infinity', tensor(new Float32Array(4).fill(-Infinity), { shape: [2, 2] })],
    ['the lowest number', tensor(new Float32Array(4).fill(-3.4028234663852886e38), { shape: [2, 2] })],
  ])('give zeros and no gradient under %s', async (_, mask) => {
    const run = compile((...args: [Tensor, Tensor, Tensor]) => {
      const output = scaledDotProductAttention(...args, { mask });
      return [output, ...grad(output.square().add(output).sum(), args)];
    });
    for (const result of await run(q, k, v)) {
      expect([...(await result.data())].every((value) => value === 0)).toBe(true);
    }
    run.release();
  });

  it('give the bias of the last projection in a layer', async () => {
    const layer = multihead();
    layer.out_proj.bias?.storage.data.set([1, 2, 3, 4]);
    const x = tensor(Float32Array.from(hashUniform(8, 1)), { shape: [1, 2, 4] });
    const output = layer.attend(x, x, x, { keyPaddingMask: bools([1, 1], [1, 2]) });
    expect(await output.toArray()).toEqual([
      [
        [1, 2, 3, 4],
        [1, 2, 3, 4],
      ],
    ]);
  });
});

describe('attention layers', () => {
  it("start from PyTorch's distributions", () => {
    const layer = new nn.MultiheadAttention(64, 4).init(3);
    const within = (values: ArrayLike<number>, bound: number) => {
      const largest = Array.from(values).reduce((a, b) => Math.max(a, Math.abs(b)), 0);
      expect(largest).toBeLessThan(bound);
      expect(largest).toBeGreaterThan(0.98 * bound);
    };
    within(layer.in_proj_weight?.storage.data ?? [], Math.sqrt(6 / (4 * 64)));
    within(layer.out_proj.weight.storage.data, 1 / 8);
    expect(new Set(layer.in_proj_bias?.storage.data)).toEqual(new Set([0]));
    expect(new Set(layer.out_proj.bias?.storage.data)).toEqual(new Set([0]));
    const split = new nn.MultiheadAttention(64, 4, { kdim: 32 }).init(3);
    within(split.k_proj_weight?.storage.data ?? [], Math.sqrt(6 / 96));
  });

  it('drop attention weights in training alone, and alike for the same seed', async () => {
    const x = tensor(Float32Array.from(hashUniform(4 * 6 * 4, 1, -1, 1)), { shape: [4, 6, 4] });
    const layer = multihead(2, { dropout: 0.5 }).init(1);
    const run = async (seed: number) => {
      const fn = compile((y: Tensor) => layer.forward(y), { seed });
      const result = [...(await (await fn(x)).data())];
      fn.release();
      return result;
    };
    const first = await run(1);
    expect(await run(1)).toEqual(first);
    expect(await run(2)).not.toEqual(first);
    layer.eval();
    const quiet = await run(1);
    expect(quiet).not.toEqual(first);
    expect(await run(2)).toEqual(quiet);
  });

  it('with rotary positions tell orders apart, and depend on distances alone', async () => {
    const run = async (rotary: boolean | cr.RotaryOptions, rows: readonly number[]) => {
      const layer = encoder({ rotary }).init(5);
      const x = hashUniform(5 * 4, 3, -1, 1);
      const sequence = rows.flatMap((row) => x.slice(4 * row, 4 * row + 4));
      const output = await layer.forward(tensor(Float32Array.from(sequence), { shape: [1, 5, 4] })).data();
      return rows.flatMap((_, row) => {
        const at = rows.indexOf(row);
        return [...output.slice(4 * at, 4 * at + 4)];
      });
    };
    const [order, other] = [
      [0, 1, 2, 3, 4],
      [3, 0, 4, 1, 2],
    ];
    const close = { relative: 1e-5 };
    expectClose('without', await run(false, other as number[]), await run(false, order as number[]), close);
    const turned = await run(true, order as number[]);
    expectClose('further on', await run({ offset: 7 }, order as number[]), turned, close);
    const distances = (await run(true, other as number[])).map((value, i) =>
      Math.abs(value - (turned[i] as number)),
    );
    expect(Math.max(...distances)).toBeGreaterThan(1e-2);
  });

  it('does not let a causal encoder look ahead', async () => {
    const model = new nn.TransformerEncoder(2, () => encoder({ causal: true })).init(2);
    const x = hashUniform(5 * 4, 1, -1, 1);
    const run = compile((y: Tensor) => model.forward(y));
    const rows = async (values: readonly number[]) =>
      (await run(tensor(Float32Array.from(values), { shape: [1, 5, 4] }))).data();
    const before = await rows(x);
    const after = await rows(x.map((value, i) => (i >= 12 ? value + 1 : value)));
    run.release();
    expect(after.slice(0, 12)).toEqual(before.slice(0, 12));
    expect(after.slice(12)).not.toEqual(before.slice(12));
  });
});
