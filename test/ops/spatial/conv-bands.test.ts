import { compile, conv2d, type DType, grad, type Tensor, tensor } from 'chainrule';
import { describe, it } from 'vitest';
import { expectClose } from '../../helpers/close.js';
import { LONG } from '../../helpers/long.js';
import { type Plain, total } from '../../helpers/naive/naive.js';
import { convolvePlain } from '../../helpers/naive/spatial.js';
import { hashUniform } from '../../helpers/random-graph/random.js';

// Rounded to float32, so that both dtypes are given the same numbers.
const plain = (shape: readonly number[], from: number): Plain => ({
  shape,
  data: hashUniform(
    shape.reduce((a, b) => a * b, 1),
    from,
    -1,
    1,
  ).map(Math.fround),
});
const lift = ({ shape, data }: Plain, dtype: DType): Tensor =>
  tensor(dtype === 'float32' ? Float32Array.from(data) : Float64Array.from(data), { shape });
const dot = (a: Plain, b: Plain): number => total(a.data.map((v, i) => v * (b.data[i] as number)));

/** Images that take several bands of the kernels, the last one smaller; in the sample one. */
const IMAGES = [LONG ? 2 : 1, 61, 70] as const;
const CASES = [
  { channels: 1, out: 1, groups: 1, padding: 1 },
  { channels: 1, out: 3, groups: 1, padding: 2 },
  { channels: 1, out: 6, groups: 1, padding: 1 },
  { channels: 2, out: 7, groups: 1, padding: 0 },
  { channels: 4, out: 3, groups: 2, padding: 2 },
  { channels: 5, out: 2, groups: 1, padding: 3 },
  { channels: 16, out: 3, groups: 1, padding: 1 },
  { channels: 9, out: 1, groups: 1, padding: 0 },
  { channels: 8, out: 2, groups: 1, padding: 3 },
  // Which take the definition longest.
  ...(LONG
    ? [
        { channels: 6, out: 5, groups: 3, padding: 0 },
        { channels: 20, out: 4, groups: 2, padding: 2 },
      ]
    : []),
];
const RELATIVE = { float32: 1e-4, float64: 1e-11 } as const;

describe('convolutions of a few channels over several bands', () => {
  for (const { channels, out, groups, padding } of CASES) {
    it(`${channels} to ${out} channels in ${groups} groups`, async () => {
      const x = plain([...IMAGES, channels], 1);
      const w = plain([3, 3, channels / groups, out * groups], 2);
      const side = [padding, padding] as const;
      const options = { stride: [1, 1], dilation: [1, 1], groups, sides: [side, side] } as const;
      const value = convolvePlain(x, w, options);
      const dy = plain(value.shape, 3);
      // The value is linear in each operand, so a gradient is known by its product with any other operand.
      const [otherX, otherW] = [plain(x.shape, 4), plain(w.shape, 5)];
      const slopeOfX = dot(convolvePlain(otherX, w, options), dy);
      const slopeOfW = dot(convolvePlain(x, otherW, options), dy);
      for (const dtype of ['float32', 'float64'] as const) {
        const step = compile((a: Tensor, b: Tensor) => {
          const y = conv2d(a, b, { groups, padding });
          return [y, ...grad(y.mul(lift(dy, dtype)).sum(), [a, b])];
        });
        const results = await step(lift(x, dtype), lift(w, dtype));
        const [y, dx, dw] = await Promise.all(results.map(async (result) => Array.from(await result.data())));
        const relative = RELATIVE[dtype];
        expectClose('value', y as number[], value.data, { relative });
        expectClose('gradient of x', [dot(otherX, { shape: x.shape, data: dx as number[] })], [slopeOfX], {
          relative,
        });
        expectClose('gradient of w', [dot(otherW, { shape: w.shape, data: dw as number[] })], [slopeOfW], {
          relative,
        });
      }
    });
  }
});
