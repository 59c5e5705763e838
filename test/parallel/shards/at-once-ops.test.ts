import { add, type ConvOptions, compile, concat, conv2d, grad, matmul, type Tensor, tensor } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { input } from '#lib/graph/leaf.js';
import { sizeOf } from '#lib/graph/shapes.js';
import { ShardsAtOnce } from '#lib/parallel/prepare/shards-at-once.js';
import { addon } from '#lib/runtime/addon.js';
import { cases } from '../../helpers/cases/all.js';
import type { Fn, InputSpec } from '../../helpers/check-op.js';
import { hashUniform } from '../../helpers/random-graph/random.js';

const SHARDS = 3;

interface Case {
  readonly fn: Fn;
  readonly inputs: readonly (readonly number[] | InputSpec)[];
}

const specsOf = ({ inputs }: Case): InputSpec[] =>
  inputs.map((one) => ('shape' in one ? one : { shape: one }));

/** The graph of one shard, and how it is computed for all of them from their arguments. */
function atOnce(given: Case, args: readonly Tensor[], summed = false) {
  const specs = specsOf(given);
  const own = specs.map(({ shape }, i) => input(`x${i}`, shape, 'float32'));
  const all = new ShardsAtOnce(SHARDS, specs[0]?.shape[0] ?? 1);
  own.forEach((x, i) => {
    all.bind(x, args[i] as Tensor);
  });
  const result = given.fn(...own);
  return all.extend([result], summed ? [result] : []) ? { all, result } : undefined;
}

/** The arguments of all shards, one after another. */
function argumentsOf(given: Case, first = 0, count = SHARDS): Tensor[] {
  return specsOf(given).map(({ shape, low = -2, high = 2 }, i) => {
    const values = Float32Array.from(hashUniform(SHARDS * sizeOf(shape), 7 + i, low, high));
    const [rows = 1, ...rest] = shape;
    const some = values.subarray(first * sizeOf(shape), (first + count) * sizeOf(shape));
    return tensor(some, { shape: [count * rows, ...rest] });
  });
}

/** A convolution, and the gradient for its images, with weights that all shards have in common. */
function convolutionOf(
  images: readonly number[],
  kernel: readonly number[],
  options: ConvOptions = {},
): Case {
  const weight = tensor(Float32Array.from(hashUniform(sizeOf(kernel), 5, -1, 1)), { shape: [...kernel] });
  const fn = (x: Tensor) => {
    const y = conv2d(x, weight, { padding: 1, ...options });
    const [gradient] = grad(y.square().sum(), [x]) as [Tensor];
    return concat([y.reshape([-1]), gradient.reshape([-1])]);
  };
  return { fn: fn as Fn, inputs: [images] };
}

const isRefused = (given: Case) => atOnce(given, argumentsOf(given)) === undefined;

/** The bits that a function, which is compiled once, has for each of some lists of arguments. */
async function bitsOf(
  run: (...args: Tensor[]) => Tensor,
  ...lists: readonly (readonly Tensor[])[]
): Promise<string[]> {
  const compiled = compile(run);
  const bits: string[] = [];
  for (const args of lists) {
    const value = await (await compiled(...args)).data();
    bits.push(Buffer.from(value.slice().buffer).toString('hex'));
  }
  compiled.release();
  return bits;
}

/** The bits of each shard alone. */
const bitsOfEach = (given: Case) =>
  bitsOf(given.fn, ...Array.from({ length: SHARDS }, (_, shard) => argumentsOf(given, shard, 1)));

const cut = ({ inputs }: Case) =>
  inputs.length > 0 && inputs.every((one) => ('shape' in one ? one.shape : one).length > 0);

describe('shards that are computed at once', () => {
  it('are all but loops', () => {
    const kinds = Object.entries<readonly Case[]>(cases).filter(([, list]) =>
      list.filter(cut).every(isRefused),
    );
    expect(kinds.map(([kind]) => kind).sort()).toEqual(['scan']);
  });

  // Shards that meet have the bits of all, not of each one.
  const alone = Object.entries<readonly Case[]>(cases).filter(
    ([kind]) => !/^allReduce|^mergeMoments/.test(kind),
  );
  it.each(alone)('have the bits of each one: %s', async (_, list) => {
    for (const given of list.filter(cut)) {
      if (isRefused(given)) continue;
      const [found] = await bitsOf((...args) => {
        const { all, result } = atOnce(given, args) as NonNullable<ReturnType<typeof atOnce>>;
        return all.each(result);
      }, argumentsOf(given));
      expect(found).toBe((await bitsOfEach(given)).join(''));
    }
  });

  it.each<[string, Case]>([
    ['sums of many rows', { fn: (x) => (x as Tensor).sum([0]), inputs: [[700, 70]] }],
    ['means of many pixels', { fn: (x) => (x as Tensor).mean([0, 1, 2]), inputs: [[9, 12, 13, 24]] }],
    ['sums of long rows', { fn: (x) => (x as Tensor).sum([1]), inputs: [[3, 5000]] }],
    // By the size of their images and the number of these, these are computed in all the ways that there are.
    ['a convolution in tiles', convolutionOf([2, 12, 12, 16], [3, 3, 16, 24])],
    ['a convolution that is in tiles for more images', convolutionOf([1, 6, 6, 96], [3, 3, 96, 96])],
    ['a convolution in several blocks of tiles', convolutionOf([1, 16, 16, 130], [3, 3, 130, 140])],
    ['a convolution of small images', convolutionOf([4, 2, 2, 40], [3, 3, 40, 20])],
    ['a convolution of few channels', convolutionOf([2, 14, 15, 3], [5, 5, 3, 8], { stride: 2, padding: 1 })],
    ['a convolution in groups', convolutionOf([2, 9, 9, 12], [3, 3, 1, 12], { groups: 12 })],
  ])('have the bits of each one in large cases: %s', async (_, given) => {
    const [found] = await bitsOf((...args) => {
      const { all, result } = atOnce(given, args) as NonNullable<ReturnType<typeof atOnce>>;
      return all.each(result);
    }, argumentsOf(given));
    // An element of an array, so that a difference is not shown in a hundred thousand digits.
    expect(
      (await bitsOfEach(given)).map((own, i) => own === found?.slice(i * own.length, (i + 1) * own.length)),
    ).toEqual(new Array(SHARDS).fill(true));
  });

  it.runIf(addon().constants.sums.ownProducts).each<[string, Case]>([
    ['of values', { fn: (x) => (x as Tensor).exp(), inputs: [[4, 5]] }],
    [
      'of products, large enough to be added in registers',
      {
        fn: (a, b) => matmul(a as Tensor, b as Tensor, { transposeA: true }),
        inputs: [
          [6, 150],
          [6, 130],
        ],
      },
    ],
    [
      'of numbers, repeated and then fused',
      {
        fn: (x, y) =>
          (x as Tensor)
            .sum()
            .expand([4, 5])
            .mul(0.3)
            .add(y as Tensor),
        inputs: [
          [3, 2],
          [4, 5],
        ],
      },
    ],
    [
      'of products with a factor whose columns are contiguous',
      {
        fn: (a, b) => matmul((a as Tensor).permute([1, 0]), b as Tensor, { transposeA: true }),
        inputs: [
          [7, 6],
          [6, 5],
        ],
      },
    ],
    [
      'of products with a transposed factor, of so many rows that they are added in another order',
      {
        fn: (a, b) => matmul(a as Tensor, (b as Tensor).permute([1, 0]), { transposeA: true }),
        inputs: [
          [200, 7],
          [5, 200],
        ],
      },
    ],
    [
      'of gradients of a weight that is used twice',
      {
        fn: (a, b) =>
          matmul(a as Tensor, b as Tensor, { transposeA: true })
            .add(matmul(b as Tensor, a as Tensor, { transposeA: true }))
            .mul(0.3)
            .add(1),
        inputs: [
          [6, 20],
          [6, 20],
        ],
      },
    ],
    [
      'of products of one row',
      {
        fn: (a, b) =>
          matmul((a as Tensor).permute([1, 0]), (b as Tensor).permute([1, 0]), { transposeA: true }),
        inputs: [
          [7, 1],
          [5, 1],
        ],
      },
    ],
    ['of values that all shards have in common', { fn: () => tensor([1, 2, 3]).mul(0.1), inputs: [[2, 3]] }],
    [
      'of what is computed shard by shard',
      {
        fn: (x, w) => conv2d(x as Tensor, (w as Tensor).reshape([1, 1, 2, 3])).sum([0]),
        inputs: [
          [2, 4, 4, 2],
          [6, 1],
        ],
      },
    ],
  ])('are added in the order of the tree: %s', async (_, given) => {
    const args = argumentsOf(given);
    const [found] = await bitsOf((...all) => {
      const one = atOnce(given, all, true) as NonNullable<ReturnType<typeof atOnce>>;
      return one.all.sum(one.result);
    }, args);
    const [expected] = await bitsOf(() => {
      const [first, second, third] = [0, 1, 2].map((shard) => given.fn(...argumentsOf(given, shard, 1)));
      return add(add(first as Tensor, second as Tensor), third as Tensor);
    }, []);
    expect(found).toBe(expected);
  });
});
