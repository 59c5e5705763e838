import { checked } from '../../graph/arguments/checked.js';
import { type Kind, kind, listOf, optional } from '../../graph/arguments/kind.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { inOneList, type OneByOne, oneByOne } from '../../graph/arguments/one-by-one.js';
import { at } from '../../graph/at.js';
import { formatShape, invalid } from '../../graph/errors.js';
import { requireValue } from '../../graph/leaf.js';
import type { Layout, OpRecord } from '../../graph/op.js';
import {
  contiguousStrides,
  normaliseAxis,
  requireShape,
  type Shape,
  sameShape,
  sizeOf,
} from '../../graph/shapes.js';
import { Tensor } from '../../graph/tensor.js';

export interface ShapeAttributes {
  readonly shape: Shape;
}

/**
 * `layout` in another shape without a copy, or null if there is no such layout. Runs of axes that are evenly spaced in
 * memory are split again, each by itself.
 */
function reshapeLayout({ offset, shape: from, strides }: Layout, shape: Shape): Layout | null {
  const result = contiguousStrides(shape);
  if (sizeOf(shape) === 0) return { offset, shape, strides: result };
  const runs = evenRuns(from, strides);
  let run = runs.pop();
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const dimension = at(shape, axis);
    if (dimension === 1) continue;
    if (run?.length === 1) run = runs.pop();
    if (!run || run.length % dimension !== 0) return null;
    result[axis] = run.stride;
    run = { length: run.length / dimension, stride: run.stride * dimension };
  }
  return { offset, shape, strides: result };
}

/** Merges the axes into as few runs of evenly spaced elements as possible, outermost first. */
function evenRuns(shape: Shape, strides: readonly number[]): { length: number; stride: number }[] {
  const runs: { length: number; stride: number }[] = [];
  shape.forEach((length, axis) => {
    if (length === 1) return;
    const stride = at(strides, axis);
    const last = runs.at(-1);
    if (last && last.stride === length * stride)
      runs[runs.length - 1] = { length: last.length * length, stride };
    else runs.push({ length, stride });
  });
  return runs;
}

/** The same elements in another shape. */
export const reshapeOp: OpRecord<ShapeAttributes> = {
  kind: 'reshape',
  type: ([x], { shape }) => ({ shape, dtype: (x as Tensor).dtype }),
  grad: (gradient, node) => [reshape(gradient, node.input(0).shape)],
  kernel: { family: 'view', view: (layout, node) => reshapeLayout(layout, node.shape), keepsOrder: true },
  shards: (node, { count, stacked }) => reshape(stacked(0), [count, ...node.shape]),
  cost: () => 0,
};

/** The same elements, in the same order, in another shape. One dimension may be -1: it is inferred. */
export const reshape = checked(
  'reshape',
  { x: kinds.tensor, shape: oneByOne },
  (x: Tensor, ...given: OneByOne): Tensor => {
    const shape = inOneList('reshape', 'shape', given);
    const free = shape.indexOf(-1);
    const known = sizeOf(shape.filter((_, axis) => axis !== free));
    const wanted =
      free < 0 ? shape : shape.map((dimension, axis) => (axis === free ? x.size / (known || 1) : dimension));
    if (
      wanted.some((dimension) => !Number.isInteger(dimension) || dimension < 0) ||
      sizeOf(wanted) !== x.size
    ) {
      throw invalid('reshape', `cannot give ${formatShape(x.shape)} the shape ${formatShape(shape)}`);
    }
    return sameShape(wanted, x.shape) ? x : new Tensor(reshapeOp, [x], { shape: wanted });
  },
);

/** Joins the axes from `start` to `end` (both included) into one, as `torch.flatten`. */
export const flatten = checked(
  'flatten',
  { x: kinds.tensor, start: optional(kinds.axis), end: optional(kinds.axis) },
  (x: Tensor, start = 0, end = -1): Tensor => {
    if (x.ndim === 0) return reshape(x, [1]);
    const first = normaliseAxis('flatten', start, x.ndim);
    const last = normaliseAxis('flatten', end, x.ndim);
    if (first > last) throw invalid('flatten', 'start must not lie behind end', [start, end]);
    const joined = sizeOf(x.shape.slice(first, last + 1));
    return reshape(x, [...x.shape.slice(0, first), joined, ...x.shape.slice(last + 1)]);
  },
);

/** Adds an axis of length 1. */
export const unsqueeze = checked(
  'unsqueeze',
  { x: kinds.tensor, axis: kinds.axis },
  (x: Tensor, axis: number): Tensor => {
    const place = normaliseAxis('unsqueeze', axis, x.ndim + 1);
    return reshape(x, [...x.shape.slice(0, place), 1, ...x.shape.slice(place)]);
  },
);

/** Drops an axis of length 1; without an axis, all of them. */
export const squeeze = checked(
  'squeeze',
  { x: kinds.tensor, axis: optional(kinds.axis) },
  (x: Tensor, axis?: number): Tensor => {
    if (axis === undefined)
      return reshape(
        x,
        x.shape.filter((length) => length !== 1),
      );
    if (x.ndim === 0) return alongAxis('squeeze', x, axis, (line) => line);
    const place = normaliseAxis('squeeze', axis, x.ndim);
    if (x.shape[place] !== 1) throw invalid('squeeze', `axis ${axis} must have length 1`, x.shape);
    return reshape(
      x,
      x.shape.filter((_, i) => i !== place),
    );
  },
);

/**
 * The result of a function along an axis. A scalar is taken for a vector of one element, as in PyTorch: its axis is 0 or -1,
 * and the result is a scalar again.
 */
export function alongAxis(
  op: string,
  x: Tensor,
  axis: number,
  fn: (x: Tensor, axis: number) => Tensor,
): Tensor {
  if (x.ndim > 0) return fn(x, normaliseAxis(op, axis, x.ndim));
  return reshape(fn(reshape(x, [1]), normaliseAxis(op, axis, 1)), []);
}

/** Axes in another order. */
export const permuteOp: OpRecord<{ readonly axes: readonly number[] }> = {
  kind: 'permute',
  type: ([x], { axes }) => ({
    shape: axes.map((axis) => at((x as Tensor).shape, axis)),
    dtype: (x as Tensor).dtype,
  }),
  grad: (gradient, node) => {
    const inverse = new Array<number>(node.ndim);
    node.attributes.axes.forEach((axis, i) => {
      inverse[axis] = i;
    });
    return [permute(gradient, inverse)];
  },
  kernel: {
    family: 'view',
    view: ({ offset, shape, strides }, node) => ({
      offset,
      shape: node.attributes.axes.map((axis) => at(shape, axis)),
      strides: node.attributes.axes.map((axis) => at(strides, axis)),
    }),
  },
  shards: (node, { stacked }) => permute(stacked(0), [0, ...node.attributes.axes.map((axis) => axis + 1)]),
  cost: () => 0,
};

/** Puts the axes in the given order, as `torch.permute`. */
export const permute = checked(
  'permute',
  { x: kinds.tensor, axes: oneByOne },
  (x: Tensor, ...given: OneByOne): Tensor => {
    const axes = inOneList('permute', 'axes', given);
    const order = axes.map((axis) => normaliseAxis('permute', axis, x.ndim));
    if (order.length !== x.ndim || new Set(order).size !== x.ndim) {
      throw invalid('permute', `axes must name each of the ${x.ndim} axes once`, axes);
    }
    return order.every((axis, i) => axis === i) ? x : new Tensor(permuteOp, [x], { axes: order });
  },
);

/** Swaps two axes; the last two by default, which transposes a matrix. */
export const transpose = checked(
  'transpose',
  { x: kinds.tensor, a: optional(kinds.axis), b: optional(kinds.axis) },
  (x: Tensor, a = -2, b = -1): Tensor => {
    if (x.ndim === 0) return alongAxis('transpose', x, a, (line) => transpose(line, 0, b));
    const first = normaliseAxis('transpose', a, x.ndim);
    const second = normaliseAxis('transpose', b, x.ndim);
    const order = x.shape.map((_, axis) => (axis === first ? second : axis === second ? first : axis));
    return permute(x, order);
  },
);

export interface SliceAttributes {
  readonly start: readonly number[];
  readonly end: readonly number[];
  readonly step: readonly number[];
}

/** A strided slice of each axis. */
export const sliceOp: OpRecord<SliceAttributes> = {
  kind: 'slice',
  type: ([x], { start, end, step }) => ({
    shape: start.map((from, axis) => Math.max(0, Math.ceil((at(end, axis) - from) / at(step, axis)))),
    dtype: (x as Tensor).dtype,
  }),
  grad: (gradient, node) => [scatterSlice(gradient, node.input(0).shape, node.attributes)],
  kernel: {
    family: 'view',
    view: ({ offset, strides }, node) => {
      const { start, step } = node.attributes;
      const moved = start.reduce((sum, from, axis) => sum + from * at(strides, axis), offset);
      return {
        offset: node.size === 0 ? offset : moved,
        shape: node.shape,
        strides: strides.map((stride, axis) => stride * at(step, axis)),
      };
    },
  },
  shards: ({ attributes }, { count, stacked }) => new Tensor(sliceOp, [stacked(0)], ofAll(attributes, count)),
  cost: () => 0,
};

/** The slice of all shards. */
function ofAll({ start, end, step }: SliceAttributes, count: number): SliceAttributes {
  return { start: [0, ...start], end: [count, ...end], step: [1, ...step] };
}

/** A range of one axis: its start, its end (not included), and its step. Negative numbers count from the end. */
export type Range = readonly [start?: number, end?: number, step?: number];

const range: Kind<Range> = kind(
  'integers',
  (value) =>
    Array.isArray(value) && value.length <= 3 && value.every((v) => v === undefined || Number.isInteger(v)),
);

/**
 * A slice of a tensor, one range per leading axis: `slice(x, [[0, 2], [1]])` is NumPy's `x[0:2, 1:]`. Ranges past the
 * end are clipped, as in NumPy. Steps are positive.
 */
export const slice = checked(
  'slice',
  { x: kinds.tensor, ranges: listOf(range, 'ranges [start, end, step] of integers') },
  (x: Tensor, ranges: readonly Range[]): Tensor => {
    if (ranges.length > x.ndim) throw invalid('slice', `at most ${x.ndim} ranges`, ranges.length);
    const start: number[] = [];
    const end: number[] = [];
    const step: number[] = [];
    x.shape.forEach((dimension, axis) => {
      const [from = 0, to = dimension, by = 1] = ranges[axis] ?? [];
      if (![from, to, by].every(Number.isInteger) || by < 1) {
        throw invalid('slice', 'a range holds integers, and a step of 1 or more', ranges[axis]);
      }
      const clip = (place: number) => Math.min(Math.max(place < 0 ? place + dimension : place, 0), dimension);
      start.push(clip(from));
      end.push(Math.max(clip(to), clip(from)));
      step.push(by);
    });
    const whole = x.shape.every(
      (dimension, axis) => start[axis] === 0 && end[axis] === dimension && step[axis] === 1,
    );
    return whole ? x : new Tensor(sliceOp, [x], { start, end, step });
  },
);

export interface ScatterSliceAttributes extends SliceAttributes {
  readonly shape: Shape;
}

/** The reverse of `slice`: zeros, with the input in the place that the slice was read from. */
export const scatterSliceOp: OpRecord<ScatterSliceAttributes> = {
  kind: 'scatterSlice',
  type: ([x], { shape }) => ({ shape, dtype: (x as Tensor).dtype }),
  grad: (gradient, node) => [new Tensor(sliceOp, [gradient], node.attributes)],
  kernel: {
    family: 'parts',
    fill: () => 0,
    parts: (node) => [{ input: 0, start: node.attributes.start, step: node.attributes.step }],
  },
  shards: ({ attributes, shape }, { count, stacked }) =>
    scatterSlice(stacked(0), [count, ...shape], ofAll(attributes, count)),
  cost: () => 0,
};

/** Zeros of a shape, with `x` in the place that a slice would be read from. */
export function scatterSlice(x: Tensor, shape: Shape, { start, end, step }: SliceAttributes): Tensor {
  return new Tensor(scatterSliceOp, [x], { shape, start, end, step });
}

export interface PadAttributes {
  readonly before: readonly number[];
  readonly after: readonly number[];
  readonly value: number;
}

/** A frame of one value around a tensor. */
export const padOp: OpRecord<PadAttributes> = {
  kind: 'pad',
  type: ([x], { before, after }) => ({
    shape: (x as Tensor).shape.map((d, axis) => d + at(before, axis) + at(after, axis)),
    dtype: (x as Tensor).dtype,
  }),
  grad: (gradient, node) => {
    const { before } = node.attributes;
    return [
      slice(
        gradient,
        node.input(0).shape.map((d, axis) => [before[axis] as number, (before[axis] as number) + d]),
      ),
    ];
  },
  kernel: {
    family: 'parts',
    fill: (node) => node.attributes.value,
    parts: (node) => [{ input: 0, start: node.attributes.before }],
  },
  shards: ({ attributes: { before, after, value } }, { stacked }) =>
    new Tensor(padOp, [stacked(0)], { before: [0, ...before], after: [0, ...after], value }),
  cost: () => 0,
};

/**
 * Pads each axis with `value` (0 by default).
 *
 * @param widths one `[before, after]` per axis, counted in elements
 */
export const pad = checked(
  'pad',
  {
    x: kinds.tensor,
    widths: listOf(listOf(kinds.index, 'integers', 2), 'pairs [before, after] of non-negative integers'),
    value: optional(kinds.number),
  },
  (x: Tensor, widths: readonly (readonly [number, number])[], value = 0): Tensor => {
    if (widths.length !== x.ndim)
      throw invalid('pad', `one [before, after] for each of ${x.ndim} axes`, widths);
    requireShape('pad', widths.flat());
    requireValue('pad', value, x.dtype);
    if (widths.every(([before, after]) => before === 0 && after === 0)) return x;
    return new Tensor(padOp, [x], {
      before: widths.map(([before]) => before),
      after: widths.map(([, after]) => after),
      value,
    });
  },
);

/** Tensors concatenated along an axis. */
export const concatOp: OpRecord<{ readonly axis: number }> = {
  kind: 'concat',
  type: (inputs, { axis }) => {
    const first = at(inputs, 0);
    for (const x of inputs) {
      const fits = x.ndim === first.ndim && x.shape.every((d, i) => i === axis || d === first.shape[i]);
      if (!fits) {
        throw invalid('concat', `shapes must agree but for axis ${axis}`, [first.shape, x.shape]);
      }
      if (x.dtype !== first.dtype) throw invalid('concat', `dtype must be ${first.dtype}`, x.dtype);
    }
    const length = inputs.reduce((sum, x) => sum + at(x.shape, axis), 0);
    return { shape: first.shape.map((d, i) => (i === axis ? length : d)), dtype: first.dtype };
  },
  grad: (gradient, node) => {
    const { axis } = node.attributes;
    let to = 0;
    return node.inputs.map((x) => {
      const from = to;
      to += at(x.shape, axis);
      return sliceAxis(gradient, axis, from, to);
    });
  },
  kernel: {
    family: 'parts',
    fill: () => null,
    parts: (node) => {
      let place = 0;
      return node.inputs.map((x, input) => {
        const start = x.shape.map((_, i) => (i === node.attributes.axis ? place : 0));
        place += at(x.shape, node.attributes.axis);
        return { input, start };
      });
    },
  },
  shards: (node, { stacked }) =>
    concat(
      node.inputs.map((_, i) => stacked(i)),
      node.attributes.axis + 1,
    ),
  cost: () => 0,
};

/** Concatenates tensors along an axis (the first by default), as `torch.cat`. */
export const concat = checked(
  'concat',
  { tensors: kinds.tensors, axis: optional(kinds.axis) },
  (tensors: readonly Tensor[], axis = 0): Tensor => {
    const [first] = tensors;
    if (!first) throw invalid('concat', 'at least one tensor', []);
    return new Tensor(concatOp, tensors, { axis: normaliseAxis('concat', axis, first.ndim) });
  },
);

/** The elements `from` to `to` (not included) of one axis. */
export function sliceAxis(x: Tensor, axis: number, from: number, to: number): Tensor {
  return slice(
    x,
    x.shape.map((d, i) => (i === axis ? [from, to] : [0, d])),
  );
}
