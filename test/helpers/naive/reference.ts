import type { Tensor } from 'chainrule';
import { philox } from '#lib/graph/random.js';
import { moreRules } from './reference-functions.js';
import { scanRule } from './reference-scan.js';

/** A value of the reference: elements in row-major order, in double precision. */
export interface Value {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

/** Every attribute that a rule reads. */
export interface Attributes {
  readonly [name: string]: unknown;
  readonly value: number | ArrayLike<number>;
  readonly key: number;
  readonly axis: number;
  readonly axes: readonly number[];
  readonly start: readonly number[];
  readonly step: readonly number[];
  readonly before: readonly number[];
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  readonly low: number;
  readonly high: number;
  readonly size: Pair;
  readonly stride: Pair;
  readonly groups: number;
  readonly padding: Pair;
  readonly dilation: Pair;
}

type Pair = readonly [number, number];
export type Rule = (node: Tensor, inputs: readonly Value[], attributes: Attributes) => number[];

const noValue: Value = { shape: [], data: [] };

/**
 * Computes the values of graph nodes one op and one element at a time, in double precision: slow, and short enough
 * to be believed.
 *
 * @param given the values of inputs and variables
 */
export function interpret(roots: readonly Tensor[], given: ReadonlyMap<Tensor, ArrayLike<number>>): Value[] {
  const known = new Map<Tensor, Value>();
  const compute = (node: Tensor): Value => {
    let value = known.get(node);
    if (!value) {
      const leaf = given.get(node);
      const rule = rules[node.op.kind];
      if (!leaf && !rule) throw new Error(`reference: no rule for ${node}`);
      const data = leaf
        ? Array.from(leaf)
        : rule?.(node, node.inputs.map(compute), node.attributes as Attributes);
      value = { shape: node.shape, data: data ?? [] };
      known.set(node, value);
    }
    return value;
  };
  return roots.map(compute);
}

const size = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);

/** Every index into a shape, in row-major order. */
function indices(shape: readonly number[]): number[][] {
  return Array.from({ length: size(shape) }, (_, flat) => {
    const index = new Array<number>(shape.length);
    for (let axis = shape.length - 1, rest = flat; axis >= 0; axis--) {
      const dimension = shape[axis] as number;
      index[axis] = rest % dimension;
      rest = Math.floor(rest / dimension);
    }
    return index;
  });
}

const flatten = (shape: readonly number[], index: readonly number[]) =>
  index.reduce((flat, at, axis) => flat * (shape[axis] as number) + at, 0);
const read = ({ shape, data }: Value, index: readonly number[]) => data[flatten(shape, index)] as number;
const each = ({ shape }: { shape: readonly number[] }, fn: (index: number[]) => number) =>
  indices(shape).map(fn);

const nan = (a: number, b: number, c: number) => (Number.isNaN(a) || Number.isNaN(b) ? Number.NaN : c);
const map =
  (fn: (a: number, b: number, c: number) => number): Rule =>
  (_, [a = noValue, b = noValue, c = noValue]) =>
    a.data.map((x, i) => fn(x, b.data[i] as number, c.data[i] as number));

/** Adds into zeros of the node's shape. */
function accumulate(
  node: Tensor,
  fill: (add: (index: readonly number[], value: number) => void) => void,
): number[] {
  const result = new Array<number>(node.size).fill(0);
  fill((index, value) => {
    const at = flatten(node.shape, index);
    result[at] = (result[at] as number) + value;
  });
  return result;
}

/** Visits each place of a kernel on each image where both overlap: image, kernel and output indices. */
function convolve(
  {
    image,
    kernel,
    output,
  }: { image: readonly number[]; kernel: readonly number[]; output: readonly number[] },
  { stride, padding, dilation, groups }: Attributes,
  visit: (image: number[], kernel: number[], output: number[]) => void,
): void {
  for (const [n = 0, oy = 0, ox = 0, o = 0] of indices(output)) {
    const first = Math.floor((o * groups) / (output[3] as number)) * (kernel[2] as number);
    for (const [ky = 0, kx = 0, c = 0] of indices(kernel.slice(0, 3))) {
      const y = oy * stride[0] + ky * dilation[0] - padding[0];
      const x = ox * stride[1] + kx * dilation[1] - padding[1];
      if (y < 0 || x < 0 || y >= (image[1] as number) || x >= (image[2] as number)) continue;
      visit([n, y, x, first + c], [ky, kx, c, o], [n, oy, ox, o]);
    }
  }
}

/** The indices of the image under a window, in row-major order; padding is left out. */
function windowAt(
  image: readonly number[],
  { size, stride, padding, dilation }: Attributes,
  output: readonly number[],
) {
  const [n = 0, oy = 0, ox = 0, c = 0] = output;
  return indices(size)
    .map(([ky = 0, kx = 0]) => {
      const y = oy * stride[0] + ky * dilation[0] - padding[0];
      return [n, y, ox * stride[1] + kx * dilation[1] - padding[1], c];
    })
    .filter(([, y = 0, x = 0]) => y >= 0 && x >= 0 && y < (image[1] as number) && x < (image[2] as number));
}

/** The place of the first maximum under a window. */
function maximumAt(image: Value, attributes: Attributes, output: readonly number[]): number[] {
  const window = windowAt(image.shape, attributes, output);
  return window.reduce((best, at) => (read(image, at) > read(image, best) ? at : best));
}

const reduce =
  (start: number, fn: (a: number, b: number) => number): Rule =>
  (node, [x = noValue], { axes }) => {
    const result = new Array<number>(node.size).fill(start);
    indices(x.shape).forEach((index, i) => {
      const at = flatten(
        node.shape,
        index.filter((_, axis) => !axes.includes(axis)),
      );
      result[at] = fn(result[at] as number, x.data[i] as number);
    });
    return result;
  };

const dropAxis = (index: readonly number[], axis: number, at: number) => [
  ...index.slice(0, axis),
  at,
  ...index.slice(axis),
];

const rules: Readonly<Record<string, Rule>> = {
  ...moreRules,
  scan: (node, inputs, attributes) => scanRule(interpret)(node, inputs, attributes),
  constant: (node, _, { value }) =>
    typeof value === 'number' ? new Array<number>(node.size).fill(value) : Array.from(value),
  neg: map((x) => -x),
  abs: map(Math.abs),
  exp: map(Math.exp),
  log: map(Math.log),
  sqrt: map(Math.sqrt),
  sin: map(Math.sin),
  cos: map(Math.cos),
  tanh: map(Math.tanh),
  sigmoid: map((x) => 1 / (1 + Math.exp(-x))),
  relu: map((x) => Math.max(x, 0)),
  leakyRelu: (_, [x = noValue], { value }) => x.data.map((v) => (v > 0 ? v : v * (value as number))),
  add: map((a, b) => a + b),
  sub: map((a, b) => a - b),
  mul: map((a, b) => a * b),
  div: map((a, b) => a / b),
  pow: map((a, b) => a ** b),
  maximum: map((a, b) => nan(a, b, Math.max(a, b))),
  minimum: map((a, b) => nan(a, b, Math.min(a, b))),
  eq: map((a, b) => Number(a === b)),
  ne: map((a, b) => Number(a !== b)),
  lt: map((a, b) => Number(a < b)),
  le: map((a, b) => Number(a <= b)),
  gt: map((a, b) => Number(a > b)),
  ge: map((a, b) => Number(a >= b)),
  where: map((condition, a, b) => (condition ? a : b)),
  cast: (node, [x = noValue]) => {
    if (node.dtype === 'bool') return x.data.map((v) => Number(v !== 0));
    return node.dtype.startsWith('float') ? [...x.data] : x.data.map(Math.trunc);
  },
  stopGradient: (_, [x = noValue]) => [...x.data],
  identity: (_, [x = noValue]) => [...x.data],
  customGradient: (_, [x = noValue]) => [...x.data],
  uniform: (node, _, { key }) => {
    const words = new Uint32Array(4);
    const perCall = node.dtype === 'float32' ? 4 : 2;
    return each(node, () => 0).map((_zero, i) => {
      philox(Math.floor(i / perCall), 0, 0, key, 0, 0, words);
      const word = (at: number) => words[at] as number;
      if (perCall === 4) return (word(i % 4) >>> 8) * 2 ** -24;
      return ((word(2 * (i % 2)) >>> 5) * 2 ** 26 + (word(2 * (i % 2) + 1) >>> 6)) * 2 ** -53;
    });
  },
  expand: (node, [x = noValue]) =>
    each(node, (index) =>
      read(
        x,
        index.slice(index.length - x.shape.length).map((at, i) => Math.min(at, (x.shape[i] as number) - 1)),
      ),
    ),
  sum: reduce(0, (a, b) => a + b),
  max: reduce(Number.NEGATIVE_INFINITY, (a, b) => nan(a, b, Math.max(a, b))),
  argMax: (node, [x = noValue], { axis }) =>
    each(node, (index) => {
      const along = Array.from({ length: x.shape[axis] as number }, (_, at) =>
        read(x, dropAxis(index, axis, at)),
      );
      return along.indexOf(Math.max(...along));
    }),
  reshape: (_, [x = noValue]) => [...x.data],
  permute: (node, [x = noValue], { axes }) =>
    each(node, (index) =>
      read(
        x,
        axes.map((_, axis) => index[axes.indexOf(axis)] as number),
      ),
    ),
  slice: (node, [x = noValue], { start, step }) =>
    each(node, (index) =>
      read(
        x,
        index.map((at, axis) => (start[axis] as number) + at * (step[axis] as number)),
      ),
    ),
  scatterSlice: (node, [x = noValue], { start, step }) =>
    accumulate(node, (add) => {
      indices(x.shape).forEach((index, i) => {
        add(
          index.map((at, axis) => (start[axis] as number) + at * (step[axis] as number)),
          x.data[i] as number,
        );
      });
    }),
  pad: (node, [x = noValue], { before, value }) =>
    each(node, (index) => {
      const inner = index.map((at, axis) => at - (before[axis] as number));
      return inner.every((at, axis) => at >= 0 && at < (x.shape[axis] as number))
        ? read(x, inner)
        : (value as number);
    }),
  concat: (node, parts, { axis }) =>
    each(node, (index) => {
      let at = index[axis] as number;
      let part = 0;
      for (; at >= (parts[part]?.shape[axis] as number); part++) at -= parts[part]?.shape[axis] as number;
      return read(parts[part] as Value, index.with(axis, at));
    }),
  matmul: (node, [a = noValue, b = noValue], { transposeA, transposeB }) =>
    each(node, (index) => {
      const [row, column] = index.slice(-2) as [number, number];
      const batch = index.slice(0, -2);
      let sum = 0;
      for (let k = 0; k < (a.shape.at(transposeA ? -2 : -1) as number); k++) {
        const left = read(a, [...batch, ...(transposeA ? [k, row] : [row, k])]);
        sum += left * read(b, [...batch, ...(transposeB ? [column, k] : [k, column])]);
      }
      return sum;
    }),
  conv2d: (node, [image = noValue, kernel = noValue], attributes) =>
    accumulate(node, (add) => {
      const shapes = { image: image.shape, kernel: kernel.shape, output: node.shape };
      convolve(shapes, attributes, (i, k, o) => add(o, read(image, i) * read(kernel, k)));
    }),
  conv2dInputGrad: (node, [gradient = noValue, kernel = noValue], attributes) =>
    accumulate(node, (add) => {
      const shapes = { image: node.shape, kernel: kernel.shape, output: gradient.shape };
      convolve(shapes, attributes, (i, k, o) => add(i, read(gradient, o) * read(kernel, k)));
    }),
  conv2dWeightGrad: (node, [image = noValue, gradient = noValue], attributes) =>
    accumulate(node, (add) => {
      const shapes = { image: image.shape, kernel: node.shape, output: gradient.shape };
      convolve(shapes, attributes, (i, k, o) => add(k, read(image, i) * read(gradient, o)));
    }),
  maxPool2d: (node, [x = noValue], attributes) => each(node, (at) => read(x, maximumAt(x, attributes, at))),
  maxPool2dGrad: (node, [x = noValue, gradient = noValue], attributes) =>
    accumulate(node, (add) => {
      for (const at of indices(gradient.shape)) add(maximumAt(x, attributes, at), read(gradient, at));
    }),
  maxPool2dGather: (node, [x = noValue, values = noValue], attributes) =>
    each(node, (at) => read(values, maximumAt(x, attributes, at))),
  avgPool2d: (node, [x = noValue], attributes) =>
    each(
      node,
      (at) =>
        windowAt(x.shape, attributes, at).reduce((sum, i) => sum + read(x, i), 0) / size(attributes.size),
    ),
  avgPool2dGrad: (node, [gradient = noValue], attributes) =>
    accumulate(node, (add) => {
      for (const at of indices(gradient.shape)) {
        for (const i of windowAt(node.shape, attributes, at))
          add(i, read(gradient, at) / size(attributes.size));
      }
    }),
  gather: (node, [table = noValue, rows = noValue]) =>
    each(node, (index) => {
      const row = read(rows, index.slice(0, rows.shape.length));
      return read(table, [row, ...index.slice(rows.shape.length)]);
    }),
  scatterAdd: (node, [rows = noValue, updates = noValue]) =>
    accumulate(node, (add) => {
      indices(updates.shape).forEach((index, i) => {
        const row = read(rows, index.slice(0, rows.shape.length));
        add([row, ...index.slice(rows.shape.length)], updates.data[i] as number);
      });
    }),
  checkRange: (node, [x = noValue], { low, high }) => {
    if (x.data.some((label) => label < low || label >= high))
      throw new Error(`reference: ${node} out of range`);
    return [...x.data];
  },
};

/** The kinds of ops that the reference knows, besides inputs and variables. */
export const referenceKinds: readonly string[] = Object.keys(rules);
