import type { Tensor } from 'chainrule';
import * as cr from 'chainrule';
import { describe, it } from 'vitest';
import { checkOp, type Fn } from '../../helpers/check-op.js';
import { at, build, type Plain, total } from '../../helpers/naive/naive.js';
import { type PlainWindowView, windowsPlain } from '../../helpers/naive/spatial.js';

const one = (f: (x: Tensor) => Tensor): Fn => f as Fn;
const largest = ({ values }: PlainWindowView) => Math.max(...values);
const mean = (values: readonly number[]) => total(values) / values.length;
const ofInside = ({ values }: PlainWindowView) => mean(values);
const ofPadded = ({ values, padded }: PlainWindowView) => total(values) / padded;

interface Case {
  readonly name: string;
  readonly fn: (x: Tensor) => Tensor;
  readonly image: cr.Shape;
  readonly reference: (x: Plain) => Plain;
}

/** A naive pooling; extents are for each axis. */
const naive =
  (
    size: number[],
    stride: number[],
    padding: number[],
    f: (view: PlainWindowView) => number,
    { dilation = size.map(() => 1), ceil = false } = {},
  ) =>
  (x: Plain) =>
    windowsPlain(x, size, { stride, padding, dilation, ceil }, f);

const windows: Case[] = [
  {
    name: 'maxPool1d',
    fn: (x) => cr.maxPool1d(x, 3, { stride: 2, padding: 1 }),
    image: [2, 6, 2],
    reference: naive([3], [2], [1], largest),
  },
  {
    name: 'maxPool1d with dilation in ceil mode',
    fn: (x) => cr.maxPool1d(x, 2, { stride: 3, dilation: 2, ceilMode: true }),
    image: [1, 7, 1],
    reference: naive([2], [3], [0], largest, { dilation: [2], ceil: true }),
  },
  {
    name: 'maxPool2d in ceil mode',
    fn: (x) => cr.maxPool2d(x, [2, 3], { stride: [2, 2], padding: [1, 0], ceilMode: true }),
    image: [1, 4, 4, 2],
    reference: naive([2, 3], [2, 2], [1, 0], largest, { ceil: true }),
  },
  {
    name: 'maxPool2d of a window wider than the image in ceil mode',
    fn: (x) => cr.maxPool2d(x, [3, 1], { ceilMode: true }),
    image: [1, 2, 2, 2],
    reference: naive([3, 1], [3, 1], [0, 0], largest, { ceil: true }),
  },
  {
    name: 'maxPool3d',
    fn: (x) => cr.maxPool3d(x, [2, 3, 2], { stride: [1, 2, 1], padding: [1, 1, 0] }),
    image: [1, 3, 4, 3, 2],
    reference: naive([2, 3, 2], [1, 2, 1], [1, 1, 0], largest),
  },
  {
    name: 'maxPool3d with dilation',
    fn: (x) => cr.maxPool3d(x, 2, { stride: 1, dilation: [1, 2, 3] }),
    image: [2, 2, 3, 4, 1],
    reference: naive([2, 2, 2], [1, 1, 1], [0, 0, 0], largest, { dilation: [1, 2, 3] }),
  },
  {
    name: 'avgPool1d',
    fn: (x) => cr.avgPool1d(x, [3], { stride: [2], padding: 1 }),
    image: [2, 6, 2],
    reference: naive([3], [2], [1], ofPadded),
  },
  {
    name: 'avgPool1d in ceil mode',
    fn: (x) => cr.avgPool1d(x, 4, { stride: 3, padding: 1, ceilMode: true }),
    image: [1, 6, 1],
    reference: naive([4], [3], [1], ofPadded, { ceil: true }),
  },
  {
    name: 'avgPool2d without padding in ceil mode',
    fn: (x) =>
      cr.avgPool2d(x, [3, 2], { stride: 2, padding: [1, 1], ceilMode: true, countIncludePad: false }),
    image: [1, 4, 5, 2],
    reference: naive([3, 2], [2, 2], [1, 1], ofInside, { ceil: true }),
  },
  {
    name: 'avgPool3d',
    fn: (x) => cr.avgPool3d(x, 2, { stride: [1, 2, 1], padding: [0, 1, 1], countIncludePad: false }),
    image: [1, 3, 3, 2, 2],
    reference: naive([2, 2, 2], [1, 2, 1], [0, 1, 1], ofInside),
  },
  {
    name: 'lpPool1d',
    fn: (x) => cr.lpPool1d(x, 2, 3, { stride: 1 }),
    image: [1, 5, 2],
    reference: naive([3], [1], [0], ({ values }) => Math.hypot(...values)),
  },
  {
    name: 'lpPool2d',
    fn: (x) => cr.lpPool2d(x, 4, [1, 2]),
    image: [1, 2, 5, 2],
    reference: naive([1, 2], [1, 2], [0, 0], ({ values }) => total(values.map((v) => v ** 4)) ** 0.25),
  },
];

/** Reduces the windows from floor(i L / count) to ceil((i + 1) L / count) on each axis. */
const adaptive = (counts: readonly number[], f: (values: readonly number[]) => number) => (x: Plain) => {
  const lengths = x.shape.slice(1, -1);
  return build([x.shape[0] as number, ...counts, x.shape.at(-1) as number], (index) => {
    const range = (axis: number) => {
      const [length, count, i] = [lengths[axis], counts[axis], index[axis + 1]] as [number, number, number];
      const start = Math.floor((i * length) / count);
      return Array.from({ length: Math.ceil(((i + 1) * length) / count) - start }, (_, k) => start + k);
    };
    let places: number[][] = [[]];
    for (const axis of counts.keys()) places = places.flatMap((p) => range(axis).map((at) => [...p, at]));
    return f(places.map((place) => at(x, [index[0] as number, ...place, index.at(-1) as number])));
  });
};

const most = (values: readonly number[]) => Math.max(...values);
const whole =
  (f: (values: readonly number[]) => number, keepDims = false) =>
  (x: Plain) => {
    const kept = adaptive(
      x.shape.slice(1, -1).map(() => 1),
      f,
    )(x);
    return keepDims ? kept : { ...kept, shape: [x.shape[0] as number, x.shape.at(-1) as number] };
  };

const adaptives: Case[] = [
  {
    name: 'adaptiveAvgPool1d',
    fn: (x) => cr.adaptiveAvgPool1d(x, 3),
    image: [2, 7, 2],
    reference: adaptive([3], mean),
  },
  {
    name: 'adaptiveAvgPool1d to more',
    fn: (x) => cr.adaptiveAvgPool1d(x, [5]),
    image: [1, 3, 1],
    reference: adaptive([5], mean),
  },
  {
    name: 'adaptiveAvgPool2d',
    fn: (x) => cr.adaptiveAvgPool2d(x, [2, 3]),
    image: [2, 5, 7, 2],
    reference: adaptive([2, 3], mean),
  },
  {
    name: 'adaptiveAvgPool2d of equal windows',
    fn: (x) => cr.adaptiveAvgPool2d(x, [2, 1]),
    image: [1, 4, 3, 2],
    reference: adaptive([2, 1], mean),
  },
  {
    name: 'adaptiveMaxPool1d',
    fn: (x) => cr.adaptiveMaxPool1d(x, 4),
    image: [2, 6, 2],
    reference: adaptive([4], most),
  },
  {
    name: 'adaptiveMaxPool2d',
    fn: (x) => cr.adaptiveMaxPool2d(x, [3, 2]),
    image: [1, 5, 6, 2],
    reference: adaptive([3, 2], most),
  },
  {
    name: 'adaptiveMaxPool2d of one',
    fn: (x) => cr.adaptiveMaxPool2d(x, 1),
    image: [2, 3, 2, 1],
    reference: adaptive([1, 1], most),
  },
  { name: 'globalAvgPool', fn: (x) => cr.globalAvgPool(x), image: [2, 3, 4, 2], reference: whole(mean) },
  {
    name: 'globalAvgPool with kept axes',
    fn: (x) => cr.globalAvgPool(x, { keepDims: true }),
    image: [2, 3, 2],
    reference: whole(mean, true),
  },
  { name: 'globalMaxPool', fn: (x) => cr.globalMaxPool(x), image: [1, 2, 3, 2, 2], reference: whole(most) },
];

describe('pooling in float64 against plain windows', () => {
  it.each([...windows, ...adaptives])('$name', async ({ name, fn, image, reference }) => {
    // Roots are smooth away from 0 only.
    const inputs = name.startsWith('lpPool') ? [{ shape: image, low: 0.5, high: 2 }] : [image];
    await checkOp(name, one(fn), inputs, { reference });
  });
});
