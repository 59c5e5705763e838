import type { Tensor } from 'chainrule';
import * as cr from 'chainrule';
import { describe, it } from 'vitest';
import { checkOp, type Fn } from '../../helpers/check-op.js';
import { at, build, indices, type Plain } from '../../helpers/naive/naive.js';

const one = (f: (x: Tensor) => Tensor): Fn => f as Fn;

/** Weight of an element by its distance. */
type Kernel = (distance: number) => number;

const tent: Kernel = (d) => Math.max(0, 1 - Math.abs(d));
const keys: Kernel = (distance) => {
  const [d, a] = [Math.abs(distance), -0.75];
  if (d < 1) return (a + 2) * d ** 3 - (a + 3) * d ** 2 + 1;
  return d < 2 ? a * d ** 3 - 5 * a * d ** 2 + 8 * a * d - 4 * a : 0;
};

/** Every element, and its border repeated, weighted by its distance from the position of a result. */
const spread =
  (counts: readonly number[], kernel: Kernel, place: (i: number, count: number, length: number) => number) =>
  (x: Plain): Plain => {
    const lengths = x.shape.slice(1, -1);
    return build([x.shape[0] as number, ...counts, x.shape.at(-1) as number], (index) => {
      let sum = 0;
      // Three more elements on each side than there are.
      for (const shifted of indices(lengths.map((length) => length + 6))) {
        const weights = shifted.map((s, axis) => {
          const [length, count] = [lengths[axis] as number, counts[axis] as number];
          return kernel(place(index[axis + 1] as number, count, length) - (s - 3));
        });
        const source = shifted.map((s, axis) => Math.min(Math.max(s - 3, 0), (lengths[axis] as number) - 1));
        const value = at(x, [index[0] as number, ...source, index.at(-1) as number]);
        sum += weights.reduce((a, b) => a * b, value);
      }
      return sum;
    });
  };

const centred = (i: number, count: number, length: number) => ((i + 0.5) * length) / count - 0.5;
const aligned = (i: number, count: number, length: number) =>
  count === 1 ? 0 : (i * (length - 1)) / (count - 1);
const before: Kernel = (d) => (d >= 0 && d < 1 ? 1 : 0);
const stretched = (i: number, count: number, length: number) => (i * length) / count;

const cases: [name: string, options: cr.UpsampleOptions, image: cr.Shape, reference: (x: Plain) => Plain][] =
  [
    ['upsample', { scale: 2 }, [2, 2, 3, 2], spread([4, 6], before, stretched)],
    ['upsample of sequences to fewer', { size: 3 }, [1, 5, 2], spread([3], before, stretched)],
    ['upsample of volumes', { size: [3, 2, 4] }, [1, 2, 2, 3, 1], spread([3, 2, 4], before, stretched)],
    ['upsample linear', { size: 8, mode: 'linear' }, [2, 3, 2], spread([8], tent, centred)],
    [
      'upsample linear to one',
      { size: 1, mode: 'linear', alignCorners: true },
      [1, 3, 1],
      spread([1], tent, aligned),
    ],
    ['upsample bilinear', { scale: [2, 3], mode: 'bilinear' }, [1, 3, 2, 2], spread([6, 6], tent, centred)],
    [
      'upsample bilinear to fewer',
      { size: [2, 3], mode: 'bilinear' },
      [1, 5, 4, 1],
      spread([2, 3], tent, centred),
    ],
    [
      'upsample bilinear with corners',
      { size: [5, 3], mode: 'bilinear', alignCorners: true },
      [1, 3, 4, 1],
      spread([5, 3], tent, aligned),
    ],
    ['upsample of one pixel', { scale: 3, mode: 'bilinear' }, [1, 1, 1, 2], spread([3, 3], tent, centred)],
    [
      'upsample trilinear',
      { size: [3, 2, 4], mode: 'trilinear' },
      [1, 2, 3, 2, 1],
      spread([3, 2, 4], tent, centred),
    ],
    ['upsample bicubic', { scale: 2, mode: 'bicubic' }, [1, 2, 3, 1], spread([4, 6], keys, centred)],
    [
      'upsample bicubic with corners',
      { size: [5, 2], mode: 'bicubic', alignCorners: true },
      [1, 3, 4, 1],
      spread([5, 2], keys, aligned),
    ],
  ];

/** Element by element: pixel [h, w] of channel c comes from channel c r^2 + (h mod r) r + w mod r. */
function shufflePlain(x: Plain, r: number): Plain {
  const [n, height, width, channels] = x.shape as [number, number, number, number];
  return build([n, height * r, width * r, channels / r ** 2], (index) => {
    const [image, h, w, c] = index as [number, number, number, number];
    return at(x, [image, Math.floor(h / r), Math.floor(w / r), c * r ** 2 + (h % r) * r + (w % r)]);
  });
}

function unshufflePlain(x: Plain, r: number): Plain {
  const [n, height, width, channels] = x.shape as [number, number, number, number];
  return build([n, height / r, width / r, channels * r ** 2], (index) => {
    const [image, h, w, c] = index as [number, number, number, number];
    const within = c % r ** 2;
    return at(x, [image, h * r + Math.floor(within / r), w * r + (within % r), Math.floor(c / r ** 2)]);
  });
}

describe('resampling in float64 against its definition', () => {
  it.each(cases)('%s', async (name, options, image, reference) => {
    await checkOp(
      name,
      one((x) => cr.upsample(x, options)),
      [image],
      { reference },
    );
  });

  it('pixelShuffle', async () => {
    const reference = (x: Plain) => shufflePlain(x, 2);
    await checkOp(
      'pixelShuffle',
      one((x) => cr.pixelShuffle(x, 2)),
      [[1, 2, 3, 8]],
      { reference },
    );
  });

  it('pixelUnshuffle', async () => {
    const reference = (x: Plain) => unshufflePlain(x, 3);
    await checkOp(
      'pixelUnshuffle',
      one((x) => cr.pixelUnshuffle(x, 3)),
      [[1, 3, 6, 2]],
      { reference },
    );
  });
});
