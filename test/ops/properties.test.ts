import * as cr from 'chainrule';
import { type Tensor, tensor } from 'chainrule';
import fc from 'fast-check';
import { describe, it } from 'vitest';
import { expectClose } from '../helpers/close.js';
import { convPlain } from '../helpers/naive/images.js';
import { at, build, mapPlain, matmulPlain, type Plain, reducePlain, total } from '../helpers/naive/naive.js';
import { hashUniform } from '../helpers/random-graph/random.js';

type ConvCase = Record<'image' | 'kernel' | 'padding' | 'dilation', readonly number[]>;
const RUNS = { numRuns: 150, seed: 20260 };
const size = fc.nat({ max: 5 });
const positiveSize = fc.integer({ min: 1, max: 5 });
const seed = fc.nat({ max: 1e6 });
const shapeOf = (item: fc.Arbitrary<number>, minLength: number) =>
  fc.array(item, { minLength, maxLength: 4 });

const plain = (shape: readonly number[], from: number): Plain => ({
  shape,
  data: hashUniform(
    shape.reduce((a, b) => a * b, 1),
    from,
    0.5,
    3,
  ),
});
const lift = ({ shape, data }: Plain): Tensor => tensor(Float64Array.from(data), { shape });

async function same(name: string, actual: Tensor, expected: Plain): Promise<void> {
  expectClose(`${name}: shape`, actual.shape, expected.shape, { relative: 0 });
  expectClose(name, await actual.data(), expected.data, { relative: 1e-12 });
}

/** Two shapes that broadcast: some axes of a common one are 1, and some leading axes are left out. */
const broadcastable = shapeOf(size, 0).chain((full) => {
  const part = fc
    .tuple(
      fc.array(fc.boolean(), { minLength: full.length, maxLength: full.length }),
      fc.nat({ max: full.length }),
    )
    .map(([ones, dropped]) => full.map((d, i) => (ones[i] ? 1 : d)).slice(dropped));
  return fc.tuple(part, part);
});

describe('random shapes', () => {
  const { add, sub, mul, div, pow, maximum, minimum } = cr;
  const functions: [string, typeof add, (a: number, b: number) => number][] = [
    ['add', add, (a, b) => a + b],
    ['sub', sub, (a, b) => a - b],
    ['mul', mul, (a, b) => a * b],
    ['div', div, (a, b) => a / b],
    ['pow', pow, (a, b) => a ** b],
    ['maximum', maximum, Math.max],
    ['minimum', minimum, Math.min],
  ];
  it('arithmetic broadcasts as NumPy does', async () => {
    const property = fc.asyncProperty(
      broadcastable,
      seed,
      fc.constantFrom(...functions),
      async ([a, b], from, [name, fn, f]) => {
        const [x, y] = [plain(a, from), plain(b, from + 1)];
        await same(name, fn(lift(x), lift(y)), mapPlain(f, x, y));
      },
    );
    await fc.assert(property, RUNS);
  });

  it('reductions run over any axes, behind any transposition', async () => {
    const arbitrary = shapeOf(positiveSize, 1).chain((shape) => {
      const axes = shape.map((_, axis) => axis);
      return fc.tuple(
        fc.constant(shape),
        fc.subarray(axes),
        fc.shuffledSubarray(axes, { minLength: axes.length }),
      );
    });
    const property = fc.asyncProperty(arbitrary, seed, async ([shape, axes, order], from) => {
      const x = plain(shape, from);
      const turned = build(
        order.map((axis) => shape[axis] as number),
        (index) =>
          at(
            x,
            order.map((_, axis) => index[order.indexOf(axis)] as number),
          ),
      );
      const value = lift(x).permute(order);
      await same('sum', value.sum(axes), reducePlain(turned, axes, total));
      await same(
        'max',
        value.max(axes),
        reducePlain(turned, axes, (values) => Math.max(...values)),
      );
      const mean = (values: number[]) => total(values) / values.length;
      await same(
        'mean',
        value.mul(2).mean(axes),
        reducePlain(
          mapPlain((v) => 2 * v, turned),
          axes,
          mean,
        ),
      );
    });
    await fc.assert(property, RUNS);
  });

  /** A step of a chain: from the value and two random numbers to the next value, here and in plain numbers. */
  type Link = (x: Tensor, p: Plain, a: number, b: number) => [Tensor, Plain];
  const links: Record<string, Link> = {
    reshape(x, p, a) {
      const shapes = [[p.data.length], [1, p.data.length], [...p.shape, 1], [...p.shape].reverse()];
      const shape = shapes[a % shapes.length] as number[];
      return [x.reshape(shape), { shape, data: p.data }];
    },
    permute(x, p, a) {
      const rank = p.shape.length;
      const order = p.shape.map((_, i) => (i + a) % rank);
      const shape = order.map((axis) => p.shape[axis] as number);
      const source = (index: readonly number[]) =>
        p.shape.map((_, axis) => index[order.indexOf(axis)] as number);
      return [x.permute(order), build(shape, (index) => at(p, source(index)))];
    },
    slice(x, p, a, b) {
      const steps = p.shape.map((_, axis) => 1 + ((a + axis) % 3));
      const starts = p.shape.map((d, axis) => (d > 1 ? (b + axis) % d : 0));
      const shape = p.shape.map((d, axis) =>
        Math.ceil((d - (starts[axis] as number)) / (steps[axis] as number)),
      );
      const ranges = p.shape.map((d, axis): cr.Range => [starts[axis] as number, d, steps[axis] as number]);
      const moved = (i: number, axis: number) => (starts[axis] as number) + i * (steps[axis] as number);
      return [x.slice(ranges), build(shape, (index) => at(p, index.map(moved)))];
    },
    pad(x, p, a, b) {
      const widths = p.shape.map((_, axis): [number, number] => [(a + axis) % 2, (b + axis) % 2]);
      const shape = p.shape.map((d, axis) => d + total(widths[axis] as [number, number]));
      const value = (index: readonly number[]) => {
        const source = index.map((i, axis) => i - (widths[axis]?.[0] as number));
        return source.every((i, axis) => i >= 0 && i < (p.shape[axis] as number)) ? at(p, source) : -1;
      };
      return [x.pad(widths, -1), build(shape, value)];
    },
    concat(x, p, a) {
      const axis = a % p.shape.length;
      const length = p.shape[axis] as number;
      const shape = p.shape.map((d, i) => (i === axis ? 2 * d : d));
      const twice = build(shape, (index) => {
        const value = at(
          p,
          index.map((v, j) => (j === axis ? v % length : v)),
        );
        return (index[axis] as number) < length ? value : 2 * value;
      });
      return [cr.concat([x, x.mul(2)], axis), twice];
    },
    arithmetic(x, p) {
      return [x.mul(x).add(1), { shape: p.shape, data: p.data.map((v) => v * v + 1) }];
    },
  };
  it('chains of views, frames and joins read the right elements', async () => {
    const link = fc.tuple(fc.constantFrom(...Object.keys(links)), fc.nat({ max: 5 }), fc.nat({ max: 5 }));
    const chain = fc.array(link, { minLength: 1, maxLength: 6 });
    const property = fc.asyncProperty(
      shapeOf(fc.nat({ max: 4 }), 1),
      seed,
      chain,
      async (shape, from, steps) => {
        let expected = plain(shape, from);
        let value = lift(expected);
        for (const [name, a, b] of steps) {
          if (expected.data.length > 3000 || expected.shape.length > 6) break;
          [value, expected] = (links[name] as Link)(value, expected, a, b);
        }
        await same(steps.join(' '), value, expected);
      },
    );
    await fc.assert(property, RUNS);
  });

  it('products of matrices, of either side transposed, agree with three loops', async () => {
    const dimension = fc.integer({ min: 1, max: 20 });
    const batch = fc.constantFrom<[number[], number[]]>(
      [[], []],
      [[3], []],
      [[], [2]],
      [[2, 1], [3]],
      [[4], [4]],
    );
    const arbitrary = fc.tuple(batch, fc.tuple(dimension, dimension, dimension), fc.boolean(), fc.boolean());
    const property = fc.asyncProperty(
      arbitrary,
      seed,
      async ([[left, right], [m, k, n], transposeA, transposeB], from) => {
        const [a, b] = [plain([...left, m, k], from), plain([...right, k, n], from + 1)];
        const turned = (x: Plain, turn: boolean) => (turn ? lift(x).transpose().mul(1.5).div(1.5) : lift(x));
        const product = cr.matmul(turned(a, transposeA), turned(b, transposeB), { transposeA, transposeB });
        await same('matmul', product, matmulPlain(a, b));
        // The same through views, which the kernel reads with strides.
        await same(
          'matmul of views',
          cr.matmul(lift(a).transpose(), lift(b), { transposeA: true }),
          matmulPlain(a, b),
        );
      },
    );
    await fc.assert(property, RUNS);
  });

  it('convolutions with any stride, padding and dilation agree with nested loops', async () => {
    const side = fc.integer({ min: 1, max: 9 });
    const few = fc.integer({ min: 1, max: 3 });
    const channels = fc.constantFrom(1, 2, 3, 7, 8, 17);
    const pair = (item: fc.Arbitrary<number>) => fc.tuple(item, item);
    const arbitrary = fc.record({
      image: fc.tuple(few, side, side, channels),
      kernel: fc.tuple(few, fc.integer({ min: 1, max: 4 }), channels),
      stride: pair(few),
      padding: pair(fc.nat({ max: 3 })),
      dilation: pair(few),
    });
    const fits = ({ image, kernel, padding, dilation }: ConvCase) =>
      [0, 1].every((axis) => {
        const span = (dilation[axis] as number) * ((kernel[axis] as number) - 1) + 1;
        return (image[axis + 1] as number) + 2 * (padding[axis] as number) >= span;
      });
    const property = fc.asyncProperty(
      arbitrary.filter(fits),
      seed,
      async ({ image, kernel, ...window }, from) => {
        const x = plain(image, from);
        const w = plain([kernel[0], kernel[1], image[3], kernel[2]], from + 1);
        await same('conv2d', cr.conv2d(lift(x), lift(w), window), convPlain(x, w, window));
      },
    );
    await fc.assert(property, RUNS);
  });
});
