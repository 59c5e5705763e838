import {
  compile,
  data,
  grad,
  hvp,
  jvp,
  nn,
  optim,
  scaledDotProductAttention,
  type Tensor,
  Trainer,
  tensor,
} from 'chainrule';
import { describe, expect, it } from 'vitest';
import { input } from '#lib/graph/leaf.js';
import { nextRandomKey } from '#lib/graph/trace.js';
import {
  type AttentionAttributes,
  attentionFormula,
} from '#lib/ops/primitives/attention/attention-formula.js';
import { addon } from '#lib/runtime/addon.js';
import { checkOp } from '../helpers/check-op.js';
import { expectClose } from '../helpers/close.js';
import { kernelsOf, planOf } from '../helpers/graphs.js';
import { sampled } from '../helpers/long.js';
import { hashUniform } from '../helpers/random-graph/random.js';
import { onInstructionSet } from './on-instruction-set.js';

interface Case {
  readonly sizes: readonly [number, number, number, number, number, number];
  readonly dtype?: 'float32' | 'float64';
  readonly causal?: boolean;
  readonly masks?: readonly ('bool' | 'float' | 'padding' | 'gaps')[];
  readonly dropout?: number;
  readonly apart?: boolean;
}

/** The cases on one instruction set: each one's error, and whether a sample's bits depend on its batch. */
const attended = (isa: string, cases: readonly Case[]) =>
  onInstructionSet<{ error: number; same: boolean }>(isa, 'attention.mjs', cases);

// Around the blocks of queries and keys, the vectors, and the length from which keys are copied.
const sizes: readonly Case['sizes'][] = [
  [2, 3, 65, 65, 32, 32],
  [2, 1, 32, 1, 1, 1],
  [2, 2, 33, 3, 3, 5],
  [3, 2, 63, 17, 17, 3],
  [1, 2, 130, 130, 16, 16],
  [2, 2, 47, 130, 8, 40],
  [2, 1, 200, 65, 33, 9],
  [2, 1, 64, 63, 64, 65],
];
const kinds: readonly Omit<Case, 'sizes'>[] = [
  {},
  { causal: true },
  { masks: ['bool'] },
  { masks: ['float'], causal: true },
  { masks: ['padding'], dropout: 0.3 },
  { masks: ['gaps'], causal: true, dropout: 0.5 },
];
// Every fifth of 96 has all sizes, all kinds and both types.
const cases = sampled(
  sizes.flatMap((size, i) =>
    kinds.flatMap((kind) =>
      (['float32', 'float64'] as const).map((dtype) => ({ sizes: size, dtype, apart: i % 2 === 1, ...kind })),
    ),
  ),
  5,
);

describe('attention by its kernel', () => {
  it.each(addon().isas())('is its definition on %s, and a sample has the same bits in every batch', (isa) => {
    const results = attended(isa, cases);
    expect(results).toHaveLength(cases.length);
    results.forEach(({ error, same }, i) => {
      const { dtype } = cases[i] as Case;
      expect(error, JSON.stringify(cases[i])).toBeLessThan(dtype === 'float64' ? 1e-13 : 1e-5);
      expect(same, JSON.stringify(cases[i])).toBe(true);
    });
  });
});

type Sides = [Tensor, Tensor, Tensor];
type Options = Omit<Parameters<typeof scaledDotProductAttention>[3] & object, 'scale'>;

const doubles = (shape: readonly number[], seed: number) =>
  tensor(
    Float64Array.from(
      hashUniform(
        shape.reduce((a, b) => a * b, 1),
        seed,
        -2,
        2,
      ),
    ),
    { shape },
  );
const sides = (shape: readonly number[], seed = 1) => [0, 1, 2].map((i) => doubles(shape, seed + i)) as Sides;

/** Attention as a composite of ops, with the same random numbers. */
function composite([q, k, v]: Sides, { mask, causal = false, dropout = 0 }: Options): Tensor {
  const drawn = [...q.shape.slice(0, -1), ...k.shape.slice(-2, -1)];
  const scale = 1 / Math.sqrt(q.shape.at(-1) as number);
  const randomKey = dropout > 0 ? nextRandomKey() : 0;
  const attributes: AttentionAttributes = { scale, causal, dropout, randomKey, drawn };
  const { context, share } = attentionFormula([q, k, v], mask ? [mask] : [], attributes);
  return context.mul(share);
}

/** Values of a function of the sides, with the kernel and as the composite. */
async function both(
  given: readonly Tensor[],
  options: Options,
  fn: (attend: (q: Tensor, k: Tensor, v: Tensor) => Tensor, ...given: Tensor[]) => Tensor[],
) {
  const attends = [
    (q: Tensor, k: Tensor, v: Tensor) => scaledDotProductAttention(q, k, v, options),
    (q: Tensor, k: Tensor, v: Tensor) => composite([q, k, v], options),
  ];
  const results = attends.map(async (attend) => {
    const run = compile((...args: Tensor[]) => fn(attend, ...args), { seed: 2 });
    const values = await Promise.all((await run(...given)).map((result) => result.data()));
    run.release();
    return values;
  });
  return (await Promise.all(results)) as [Float64Array[], Float64Array[]];
}

const bools = (shape: readonly number[], value: (at: number) => boolean) =>
  tensor(
    Uint8Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, at) => (value(at) ? 1 : 0)),
    { shape, dtype: 'bool' },
  );

describe('derivatives of attention by its kernel', () => {
  it.each<[string, Options]>([
    ['causal', { causal: true }],
    ['with dropout', { dropout: 0.4 }],
    [
      'causal with dropout and a mask',
      { causal: true, dropout: 0.2, mask: bools([35, 35], (at) => at % 5 > 0) },
    ],
  ])('%s: products with its Jacobian and its Hessian are those of the composite', async (_, options) => {
    const shape = [2, 2, 35, 3];
    const given = [...sides(shape), ...sides(shape, 7)];
    const [ours, theirs] = await both(given, options, (attend, q, k, v, a, b, c) => {
      const [x, along] = [[q, k, v] as Sides, [a, b, c] as Sides];
      const energy = (...args: Sides) =>
        attend(...args)
          .square()
          .sum();
      return [
        ...grad(energy(...x), x),
        jvp((...args: Sides) => attend(...args), x, along).tangent,
        ...hvp(energy, x, along),
      ];
    });
    theirs.forEach((values, i) => {
      expectClose(`value ${i}`, ours[i] as Float64Array, values, { relative: 1e-11, floor: 1 });
    });
  });

  it('are those of differences, of a learned mask as well', async () => {
    const fn = (q: Tensor, k: Tensor, v: Tensor, mask: Tensor) =>
      scaledDotProductAttention(q, k, v, { mask, causal: true });
    await checkOp('scaledDotProductAttention of many queries', fn as never, [
      [33, 1],
      [2, 1],
      [2, 1],
      [1, 2],
    ]);
  });

  it('of a mask go through whatever made it', async () => {
    const given = [...sides([1, 2, 40, 3]), doubles([40, 1], 9)];
    const results = await Promise.all(
      [
        scaledDotProductAttention,
        (q: Tensor, k: Tensor, v: Tensor, options: Options) => composite([q, k, v], options),
      ].map(async (attend) => {
        const run = compile((q: Tensor, k: Tensor, v: Tensor, slope: Tensor) => {
          const mask = slope.mul(k.sum([1, 3], { keepDims: false }).sum() as Tensor).expand([40, 40]);
          return grad(
            attend(q, k, v, { mask: mask.mul(doubles([40, 40], 3)) })
              .square()
              .sum(),
            [q, k, v, slope],
          );
        });
        const values = await Promise.all(
          (await run(...(given as [Tensor, Tensor, Tensor, Tensor]))).map((x) => x.data()),
        );
        run.release();
        return values;
      }),
    );
    results[1]?.forEach((values, i) => {
      expectClose(`gradient ${i}`, results[0]?.[i] as Float64Array, values, { relative: 1e-11, floor: 1 });
    });
  });
});

describe('numbers that are not finite in attention by its kernel', () => {
  const shape = [1, 1, 70, 4];
  const at = (row: number, value: number) => {
    const x = doubles(shape, 4);
    return compile((y: Tensor) =>
      y.add(
        tensor(
          Float64Array.from({ length: 280 }, (_, i) => (i >> 2 === row ? value : 0)),
          { shape },
        ),
      ),
    )(x);
  };
  it.each<[string, number, number, Options]>([
    ['a query of NaN', 0, Number.NaN, {}],
    ['a query of infinity', 0, Number.POSITIVE_INFINITY, { causal: true }],
    ['a key of NaN', 1, Number.NaN, {}],
    ['a key of minus infinity', 1, Number.NEGATIVE_INFINITY, {}],
    ['a value of NaN', 2, Number.NaN, {}],
    ['a forbidden key of NaN', 1, Number.NaN, { mask: bools([1, 70], (key) => key !== 66) }],
  ])('%s spoils the results that it spoils in the composite', async (_, side, value, options) => {
    const given: Tensor[] = sides(shape);
    given[side] = await at(66, value);
    const [ours, theirs] = await both(given, options, (attend, q, k, v) => {
      const result = attend(q, k, v);
      return [result, ...grad(result.sum(), [q, k, v])];
    });
    theirs.forEach((values, i) => {
      const finite = (all: Float64Array) => Array.from(all, (x) => (Number.isFinite(x) ? '.' : 'x')).join('');
      expect(finite(ours[i] as Float64Array), `value ${i}`).toBe(finite(values));
    });
  });

  it.each<[string, Tensor]>([
    ['a bool mask', bools([64, 64], (place) => place >> 6 !== 40)],
    [
      'minus infinity',
      tensor(
        Float64Array.from({ length: 64 * 64 }, (_, place) =>
          place >> 6 === 40 ? Number.NEGATIVE_INFINITY : 0,
        ),
        { shape: [64, 64] },
      ),
    ],
  ])('a query that may attend to nothing under %s gets zeros, and gives no gradient', async (_, mask) => {
    const given = sides([64, 3]);
    const run = compile((...args: Sides) => {
      const result = scaledDotProductAttention(...args, { mask });
      return [result, grad(result.square().sum(), args)[0] as Tensor];
    });
    for (const values of await Promise.all((await run(...given)).map((x) => x.data()))) {
      const rows = Array.from({ length: 64 }, (_, row) => [...values.slice(3 * row, 3 * row + 3)]);
      expect(rows[40]?.every((x) => x === 0)).toBe(true);
      expect(rows.flat().every(Number.isFinite)).toBe(true);
      expect(rows.filter((row) => row.some((x) => x !== 0))).toHaveLength(63);
    }
    run.release();
  });
});

describe('plans of attention', () => {
  const qkv = () => input('x', [4, 256, 32]);

  it('of a layer have one step in each direction, no copies and no matrix of weights', () => {
    const [x, slope] = [qkv(), input('slope', [4, 256, 32])];
    const layer = new nn.MultiheadAttention(32, 4, { causal: true, dropout: 0.1 });
    const result = layer.forward(x);
    const plan = planOf({
      inputs: [x, slope],
      outputs: [result, ...grad(result.mul(slope).sum(), [x, ...layer.parameters()])],
    });
    const kernels = kernelsOf(plan);
    expect(kernels.filter((kernel) => kernel.startsWith('attention'))).toEqual([
      'attention',
      'attentionGrad',
    ]);
    expect(kernels.filter((kernel) => /^(copy|fill)/.test(kernel))).toEqual([]);
    expect(plan.arenaBytes).toBeLessThan(4 * 4 * 256 * 256 * 4);
  });

  it('read keys that all heads share, and transposed ones, where they are', () => {
    const [q, k, v] = [input('q', [2, 4, 40, 8]), input('k', [2, 1, 8, 40]), input('v', [2, 1, 40, 8])];
    const result = scaledDotProductAttention(q, k.transpose(), v);
    expect(kernelsOf(planOf({ inputs: [q, k, v], outputs: [result.sum()] }))).toEqual([
      'attention',
      'reduce sum',
    ]);
  });

  it('count the pairs of a query and a key that it may attend to', () => {
    const flops = (causal: boolean) => {
      const x = input('x', [2, 64, 8]);
      return planOf({ inputs: [x], outputs: [scaledDotProductAttention(x, x, x, { causal })] }).flops;
    };
    expect(flops(true) / flops(false)).toBeCloseTo(65 / 128, 10);
  });

  it('give the same values for keys that all heads share, and for transposed ones', async () => {
    const [q, k, v] = [doubles([2, 4, 40, 8], 1), doubles([2, 1, 8, 40], 2), doubles([2, 1, 40, 8], 3)];
    const [ours, theirs] = await both([q, k, v], {}, (attend, a, b, c) => {
      const whole = (x: Tensor) => x.expand([2, 4, 40, 8]);
      const result = attend(a, whole(b.transpose()), whole(c));
      return [result, ...grad(result.square().sum(), [a, b, c])];
    });
    theirs.forEach((values, i) => {
      expectClose(`value ${i}`, ours[i] as Float64Array, values, { relative: 1e-12, floor: 1 });
    });
  });

  it('of no samples are empty', async () => {
    const none = tensor(new Float32Array(0), { shape: [0, 2, 40, 8] });
    expect((await scaledDotProductAttention(none, none, none).data()).length).toBe(0);
  });
});

describe('dropout of attention by its kernel', () => {
  it('drops the share of the weights that it should', async () => {
    const [n, p] = [128, 0.3];
    const identity = tensor(
      Float32Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? 1 : 0)),
      { shape: [n, n] },
    );
    const zeros = tensor(new Float32Array(n * 4), { shape: [n, 4] });
    const run = compile(() => scaledDotProductAttention(zeros, zeros, identity, { dropout: p }), { seed: 3 });
    const weights = await (await run()).data();
    run.release();
    const kept = [...weights].filter((weight) => weight !== 0);
    expectClose(
      'weights',
      kept,
      kept.map(() => 1 / n / (1 - p)),
      { relative: 1e-6 },
    );
    expect(Math.abs(kept.length / n / n - (1 - p))).toBeLessThan(5 * Math.sqrt((p * (1 - p)) / n / n));
  });

  it('draws the same numbers however samples are split among shards and workers', async () => {
    const inputs = Float32Array.from(hashUniform(24 * 33 * 4, 1, -1, 1));
    const train = data.fromArrays(inputs, Float32Array.from(hashUniform(24 * 33 * 4, 2)), {
      inputs: { shape: [33, 4] },
      targets: { shape: [33, 4] },
    });
    const run = async (shards: number, workers: number) => {
      const model = new nn.MultiheadAttention(4, 2, { dropout: 0.5, causal: true });
      const options = {
        loss: nn.mseLoss,
        optimizer: optim.sgd({ lr: 0.5 }),
        seed: 7,
        shards,
        workers,
      };
      const losses: number[] = [];
      for await (const { stepLosses } of new Trainer(model, options).fit(train, {
        batchSize: 8,
        epochs: 2,
      })) {
        losses.push(...stepLosses);
      }
      return losses;
    };
    const alone = await run(1, 1);
    expectClose('losses of three shards', await run(3, 1), alone, { relative: 1e-5 });
    expect(await run(3, 2)).toEqual(await run(3, 1));
  });
});
