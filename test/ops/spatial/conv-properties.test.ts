import * as cr from 'chainrule';
import { type Tensor, tensor } from 'chainrule';
import fc from 'fast-check';
import { describe, it } from 'vitest';
import { expectClose } from '../../helpers/close.js';
import { type Plain, total } from '../../helpers/naive/naive.js';
import { convolvePlain, transposedPlain, windowsPlain } from '../../helpers/naive/spatial.js';
import { hashUniform } from '../../helpers/random-graph/random.js';

const RUNS = { numRuns: 150, seed: 20261 };
const seed = fc.nat({ max: 1e6 });
const few = fc.integer({ min: 1, max: 3 });
const rank = fc.integer({ min: 1, max: 3 });
const list = (item: fc.Arbitrary<number>, length: number) =>
  fc.array(item, { minLength: length, maxLength: length });

const plain = (shape: readonly number[], from: number): Plain => ({
  shape,
  data: hashUniform(
    shape.reduce((a, b) => a * b, 1),
    from,
    -2,
    2,
  ),
});
const lift = ({ shape, data }: Plain): Tensor => tensor(Float64Array.from(data), { shape });
const dot = (a: Plain, b: Plain): number => total(a.data.map((v, i) => v * (b.data[i] as number)));
const TOLERANCE = { relative: 1e-11 };

async function same(name: string, actual: Tensor, expected: Plain): Promise<void> {
  expectClose(`${name}: shape`, actual.shape, expected.shape, { relative: 0 });
  expectClose(name, await actual.data(), expected.data, TOLERANCE);
}

/** The convolution, or whatever there is of it for each number of axes. */
type Convolve = (x: Tensor, w: Tensor, options: object) => Tensor;
const conv: Convolve[] = [cr.conv1d, cr.conv2d, cr.conv3d] as Convolve[];
const transpose: Convolve[] = [cr.convTranspose1d, cr.convTranspose2d, cr.convTranspose3d] as Convolve[];
type Pool = (x: Tensor, size: readonly number[], options: object) => Tensor;
const maxPool = [cr.maxPool1d, cr.maxPool2d, cr.maxPool3d] as Pool[];
const avgPool = [cr.avgPool1d, cr.avgPool2d, cr.avgPool3d] as Pool[];

/** Sizes and options of a convolution; channels are those of one group. */
const convolutions = rank.chain((axes) =>
  fc.record({
    images: fc.constantFrom(1, 2, 3, 9),
    lengths: list(fc.integer({ min: 1, max: axes === 3 ? 4 : 7 }), axes),
    kernel: list(few, axes),
    channels: fc.constantFrom(1, 1, 2, 3, 9),
    out: fc.constantFrom(1, 1, 2, 5),
    groups: fc.constantFrom(1, 2, 3, 8, 13),
    stride: list(few, axes),
    padding: list(fc.nat({ max: 2 }), axes),
    dilation: list(few, axes),
  }),
);
type Case = typeof convolutions extends fc.Arbitrary<infer T> ? T : never;

const fits = ({ lengths, kernel, padding, dilation }: Case) =>
  lengths.every((length, axis) => {
    const span = (dilation[axis] as number) * ((kernel[axis] as number) - 1) + 1;
    return length + 2 * (padding[axis] as number) >= span;
  });
const small = ({ channels, out, groups }: Case) => channels * out * groups <= 60;

describe('random convolutions and pools', () => {
  it('convolutions on any axes have the values and gradients of nested loops', async () => {
    const property = fc.asyncProperty(convolutions.filter(fits).filter(small), seed, async (given, from) => {
      const { images, lengths, kernel, channels, out, groups, padding, ...window } = given;
      const at = lengths.length - 1;
      const x = plain([images, ...lengths, channels * groups], from);
      const w = plain([...kernel, channels, out * groups], from + 1);
      const reference = (a: Plain, b: Plain) =>
        convolvePlain(a, b, { ...window, groups, sides: padding.map((p) => [p, p]) });
      const fn = (a: Tensor, b: Tensor) => (conv[at] as Convolve)(a, b, { ...window, groups, padding });
      const value = reference(x, w);
      await same('conv', fn(lift(x), lift(w)), value);
      // The value is linear in each operand, so a gradient is known by its product with any other operand.
      const dy = plain(value.shape, from + 2);
      const [slopeX, slopeW] = await cr.compile((a: Tensor, b: Tensor) =>
        cr.grad(fn(a, b).mul(lift(dy)).sum(), [a, b]),
      )(lift(x), lift(w));
      const [otherX, otherW] = [plain(x.shape, from + 3), plain(w.shape, from + 4)];
      const product = async (other: Plain, slope: Tensor | undefined) =>
        dot(other, { shape: other.shape, data: Array.from((await slope?.data()) ?? []) });
      expectClose(
        'gradient of x',
        [await product(otherX, slopeX)],
        [dot(reference(otherX, w), dy)],
        TOLERANCE,
      );
      expectClose(
        'gradient of w',
        [await product(otherW, slopeW)],
        [dot(reference(x, otherW), dy)],
        TOLERANCE,
      );
    });
    await fc.assert(property, RUNS);
  });

  it('transposed convolutions on any axes add up what nested loops do', async () => {
    const property = fc.asyncProperty(
      convolutions.filter(small),
      seed,
      fc.nat(),
      async (given, from, extra) => {
        const { images, lengths, kernel, channels, out, groups, ...window } = given;
        const outputPadding = window.stride.map(
          (step, axis) => extra % Math.max(step, window.dilation[axis] as number),
        );
        const left = lengths.map(
          (length, axis) =>
            (length - 1) * (window.stride[axis] as number) +
            (window.dilation[axis] as number) * ((kernel[axis] as number) - 1) +
            1 -
            2 * (window.padding[axis] as number),
        );
        fc.pre(left.every((length) => length > 0));
        const x = plain([images, ...lengths, channels * groups], from);
        const w = plain([...kernel, out, channels * groups], from + 1);
        const options = { ...window, groups, outputPadding };
        const result = (transpose[lengths.length - 1] as Convolve)(lift(x), lift(w), options);
        await same('convTranspose', result, transposedPlain(x, w, options));
      },
    );
    await fc.assert(property, RUNS);
  });

  it('pools on any axes reduce the windows of nested loops', async () => {
    const property = fc.asyncProperty(
      convolutions,
      seed,
      fc.boolean(),
      async ({ images, lengths, kernel, channels, stride, dilation }, from, ceilMode) => {
        const padding = kernel.map((size) => Math.floor(size / 2) * (from % 2));
        const dense = kernel.map(() => 1);
        const room = (spread: readonly number[]) =>
          lengths.every((length, axis) => {
            const span = (spread[axis] as number) * ((kernel[axis] as number) - 1) + 1;
            return length >= span;
          });
        const x = plain([images, ...lengths, channels], from);
        const options = { stride, padding, ceilMode };
        const at = lengths.length - 1;
        if (room(dilation)) {
          const window = { stride, padding, dilation, ceil: ceilMode };
          const largest = windowsPlain(x, kernel, window, ({ values }) => Math.max(...values));
          await same('maxPool', (maxPool[at] as Pool)(lift(x), kernel, { ...options, dilation }), largest);
        }
        if (!room(dense)) return;
        const window = { stride, padding, dilation: dense, ceil: ceilMode };
        const means = windowsPlain(x, kernel, window, ({ values, padded }) => total(values) / padded);
        await same('avgPool', (avgPool[at] as Pool)(lift(x), kernel, options), means);
        const inside = windowsPlain(x, kernel, window, ({ values }) => total(values) / values.length);
        const uncounted = { ...options, countIncludePad: false };
        await same('avgPool', (avgPool[at] as Pool)(lift(x), kernel, uncounted), inside);
      },
    );
    await fc.assert(property, RUNS);
  });
});
