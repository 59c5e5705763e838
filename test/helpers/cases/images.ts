import * as cr from 'chainrule';
import { withPackedWeight } from '#lib/compile/rewrite/pack-weights.js';
import { at } from '#lib/graph/at.js';
import { Tensor } from '#lib/graph/tensor.js';
import { conv2dInputGradOp, conv2dWeightGradOp } from '#lib/ops/primitives/images/conv.js';
import {
  avgPool2dGradOp,
  maxPool2dGatherOp,
  maxPool2dGradOp,
  type PoolAttributes,
} from '#lib/ops/primitives/images/pool.js';
import { nativeKernels } from '#lib/runtime/native-kernels.js';
import type { Fn } from '../check-op.js';
import { convPlain, poolPlain } from '../naive/images.js';
import { type Plain, total } from '../naive/naive.js';
import type { OpCase, OpCases } from './elementwise.js';

const window = (
  stride: [number, number] = [1, 1],
  padding: [number, number] = [0, 0],
  dilation: [number, number] = [1, 1],
  groups = 1,
) => ({ stride, padding, dilation, groups });
type Window = ReturnType<typeof window>;

const convolutions: [image: cr.Shape, kernel: cr.Shape, Window][] = [
  [[1, 1, 1, 1], [1, 1, 1, 1], window()],
  [[2, 4, 5, 3], [3, 3, 3, 2], window()],
  [[1, 5, 5, 1], [5, 5, 1, 3], window([1, 1], [2, 2])],
  [[2, 5, 4, 2], [2, 3, 2, 2], window([2, 1], [1, 0])],
  [[1, 6, 7, 2], [3, 2, 2, 3], window([2, 3], [1, 2])],
  [[1, 7, 6, 1], [3, 2, 1, 2], window([1, 1], [2, 1], [2, 3])],
  [[1, 8, 7, 2], [2, 3, 2, 1], window([3, 2], [1, 3], [3, 2])],
  [[1, 3, 3, 9], [1, 1, 9, 2], window()],
  [[1, 3, 4, 2], [3, 3, 2, 9], window([1, 1], [1, 1])],
  [[3, 2, 2, 1], [1, 2, 1, 1], window([2, 2])],
  [[0, 4, 4, 2], [3, 3, 2, 2], window()],
  [[2, 3, 4, 4], [2, 3, 2, 6], window([1, 1], [1, 1], [1, 1], 2)],
  [[1, 5, 4, 6], [2, 2, 2, 3], window([2, 1], [1, 0], [1, 2], 3)],
  [[1, 3, 3, 2], [1, 1, 1, 4], window([1, 1], [0, 0], [1, 1], 2)],
  [[2, 5, 4, 3], [3, 2, 1, 3], window([1, 2], [1, 1], [1, 1], 3)],
  [[1, 4, 5, 13], [2, 3, 1, 13], window([1, 1], [0, 2], [2, 1], 13)],
  [[1, 7, 3, 2], [5, 3, 1, 2], window([3, 1], [2, 0], [1, 1], 2)],
  [[0, 4, 4, 2], [3, 3, 1, 2], window([1, 1], [0, 0], [1, 1], 2)],
];

const convolved = convolutions.map(
  ([image, kernel, options]): OpCase => ({
    fn: (x, w) => cr.conv2d(x as Tensor, w as Tensor, options),
    inputs: [image, kernel],
    options: { reference: (x, w) => convPlain(x, w, options) },
  }),
);

const outputOf = (image: cr.Shape, kernel: cr.Shape, options: Window): cr.Shape =>
  convPlain({ shape: image, data: [] }, { shape: kernel, data: [] }, options).shape;

/** The transposes of a convolution, from the convolution itself: one unit image, or unit kernel, for each element. */
function units(shape: cr.Shape): Plain[] {
  const count = shape.reduce((a, b) => a * b, 1);
  return Array.from({ length: count }, (_, i) => ({
    shape,
    data: Array.from({ length: count }, (_, j) => Number(i === j)),
  }));
}
const dot = (a: Plain, b: Plain): number => total(a.data.map((v, i) => v * (b.data[i] as number)));

const inputGradients = convolutions.map(
  ([image, kernel, options]): OpCase => ({
    fn: (dy, w) => new Tensor(conv2dInputGradOp, [dy as Tensor, w as Tensor], { ...options, shape: image }),
    inputs: [outputOf(image, kernel, options), kernel],
    options: {
      reference: (dy, w) => ({
        shape: image,
        data: units(image).map((x) => dot(convPlain(x, w, options), dy)),
      }),
    },
  }),
);

const weightGradients = convolutions.map(
  ([image, kernel, options]): OpCase => ({
    fn: (x, dy) => new Tensor(conv2dWeightGradOp, [x as Tensor, dy as Tensor], { ...options, shape: kernel }),
    inputs: [image, outputOf(image, kernel, options)],
    options: {
      reference: (x, dy) => ({
        shape: kernel,
        data: units(kernel).map((w) => dot(convPlain(x, w, options), dy)),
      }),
    },
  }),
);

/** True if single channels are convolved by themselves, whose weights are read as they are. */
const isByChannel = ([, kernel, { groups }]: (typeof convolutions)[number]) => groups > 1 && kernel[2] === 1;

/** The same with weights that are packed before. */
const packed = [convolved, inputGradients]
  .flatMap((all) => all.filter((_, i) => !isByChannel(at(convolutions, i))))
  .map(
    ({ fn, inputs, options }): OpCase => ({
      fn: (source, weight) => {
        const made = fn(source as Tensor, weight as Tensor);
        return withPackedWeight(made, nativeKernels) ?? made;
      },
      inputs,
      options: { ...options, gradient: false },
    }),
  );

interface Pooling {
  readonly image: cr.Shape;
  readonly size: [number, number];
  readonly stride: [number, number];
  readonly padding: [number, number];
  readonly dilation?: [number, number];
}

const poolings: Pooling[] = [
  { image: [1, 1, 1, 1], size: [1, 1], stride: [1, 1], padding: [0, 0] },
  { image: [2, 4, 6, 3], size: [2, 2], stride: [2, 2], padding: [0, 0] },
  { image: [1, 5, 7, 2], size: [2, 2], stride: [2, 2], padding: [0, 0] },
  { image: [1, 5, 6, 3], size: [3, 3], stride: [2, 2], padding: [1, 1] },
  { image: [2, 5, 4, 1], size: [3, 2], stride: [1, 1], padding: [0, 1] },
  { image: [1, 7, 6, 2], size: [2, 3], stride: [3, 1], padding: [1, 0] },
  { image: [1, 2, 3, 9], size: [2, 2], stride: [1, 1], padding: [1, 1] },
  { image: [0, 4, 4, 2], size: [2, 2], stride: [2, 2], padding: [0, 0] },
];

/** Windows whose elements lie apart, which the mean does not know. */
const spreadPoolings: Pooling[] = [
  { image: [1, 6, 7, 2], size: [2, 3], stride: [1, 2], padding: [0, 1], dilation: [2, 1] },
  { image: [1, 5, 5, 1], size: [3, 2], stride: [1, 1], padding: [2, 1], dilation: [2, 3] },
];
const maxPoolings = [...poolings, ...spreadPoolings];

const attributesOf = ({ size, stride, padding, dilation = [1, 1] }: Pooling): PoolAttributes => ({
  size,
  stride,
  padding,
  dilation,
  ceilMode: false,
});

const pooledShape = ({ image, size, ...options }: Pooling): cr.Shape =>
  poolPlain({ shape: image, data: [] }, size, options, () => 0).shape;

const pooled = (
  list: readonly Pooling[],
  pool: typeof cr.maxPool2d,
  reduce: (values: number[], size: [number, number]) => number,
): OpCase[] =>
  list.map(({ image, size, ...window }) => ({
    fn: (x) => pool(x as Tensor, size, window),
    inputs: [image],
    options: { reference: (x) => poolPlain(x, size, window, (values) => reduce(values, size)) },
  }));

const average = (values: number[], size: [number, number]): number => total(values) / (size[0] * size[1]);
const largest = (values: number[]): number => Math.max(...values);

/** The element of a window that is the largest of the image, read from another image of the same shape. */
function gathered(x: Plain, values: Plain, { size, ...options }: Pooling): Plain {
  const numbered = { shape: x.shape, data: x.data.map((_, i) => i) };
  return poolPlain(numbered, size, options, (places) => {
    const best = places.reduce((a, b) => ((x.data[b] as number) > (x.data[a] as number) ? b : a));
    return values.data[best] as number;
  });
}

const on = (f: (x: Tensor, y: Tensor) => Tensor): Fn => f as Fn;

export const imageCases: OpCases = {
  conv2d: convolved,
  conv2dInputGrad: inputGradients,
  conv2dWeightGrad: weightGradients,
  pack: packed,
  packed,
  maxPool2d: pooled(maxPoolings, cr.maxPool2d, largest),
  avgPool2d: pooled(poolings, cr.avgPool2d, average),
  maxPool2dGrad: maxPoolings.map(({ image, ...attributes }) => ({
    fn: on((x, dy) => new Tensor(maxPool2dGradOp, [x, dy], attributesOf({ image, ...attributes }))),
    inputs: [image, pooledShape({ image, ...attributes })],
    options: {
      reference: (x, dy) => ({
        shape: image,
        data: units(image).map((unit) => dot(gathered(x, unit, { image, ...attributes }), dy)),
      }),
    },
  })),
  maxPool2dGather: maxPoolings.map(({ image, ...attributes }) => ({
    fn: on((x, values) => new Tensor(maxPool2dGatherOp, [x, values], attributesOf({ image, ...attributes }))),
    inputs: [image, image],
    options: { reference: (x, values) => gathered(x, values, { image, ...attributes }) },
  })),
  avgPool2dGrad: poolings.map(({ image, ...attributes }) => ({
    fn: on(
      (dy) => new Tensor(avgPool2dGradOp, [dy], { ...attributesOf({ image, ...attributes }), shape: image }),
    ),
    inputs: [pooledShape({ image, ...attributes })],
    options: {
      reference: (dy) => ({
        shape: image,
        data: units(image).map((unit) =>
          dot(
            poolPlain(unit, attributes.size, attributes, (values) => average(values, attributes.size)),
            dy,
          ),
        ),
      }),
    },
  })),
};
