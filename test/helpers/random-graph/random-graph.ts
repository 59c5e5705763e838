import * as cr from 'chainrule';
import { grad, type Tensor, Variable } from 'chainrule';
import fc from 'fast-check';
import { allocate } from '#lib/graph/dtype.js';
import { type InputAttributes, input } from '#lib/graph/leaf.js';
import { Storage } from '#lib/graph/storage.js';
import { reachable } from '#lib/graph/tensor.js';
import { identity } from '#lib/ops/primitives/identity.js';
import { moreMakers } from './composites.js';
import {
  axesOf,
  binary,
  broadcasts,
  type Entry,
  exactFloat,
  type Float,
  images,
  type Maker,
  matrices,
  notEmpty,
  one,
  type Scene,
  same,
  type Test,
  unary,
} from './maker.js';

export type { Float } from './maker.js';

/** The choices that a random graph is made by. Any numbers will do, so that a failure can be made smaller. */
export interface Recipe {
  readonly nodes: readonly (readonly [op: number, a: number, b: number, c: number])[];
  readonly outputs: readonly number[];
  readonly assignments: readonly (readonly [variable: number, value: number])[];
}

const any = fc.noBias(fc.nat(9999));
const list = <T>(item: fc.Arbitrary<T>, minLength: number, maxLength: number) =>
  fc.array(item, { minLength, maxLength, size: 'max' });

export const recipes: fc.Arbitrary<Recipe> = fc.record({
  nodes: list(fc.tuple(any, any, any, any), 1, 30),
  outputs: list(any, 0, 5),
  assignments: list(fc.tuple(any, any), 0, 5),
});

export interface RandomGraph {
  readonly inputs: readonly Tensor<InputAttributes>[];
  readonly variables: readonly Variable[];
  readonly outputs: readonly Tensor[];
  readonly assignments: ReadonlyMap<Variable, Tensor>;
}

const LARGEST = 4;
const halved = cr.customGradient(
  (x: Tensor) => x,
  (gradient) => gradient.mul(0.5),
);
const numbers = [0, 1, -1, 0.5, 2, -0];

/** The n-th leaf's elements: multiples of 1/4 from -2 to 2, some of them equal. */
export function leafValues(size: number, n: number): number[] {
  return Array.from({ length: size }, (_, i) => (((i * 7 + n * 5 + ((i * i) % 5)) % 17) - 8) / 4);
}

/**
 * Makes the graph of a recipe; the same recipe gives an equal graph.
 *
 * @param scale factor of the values of leaves; with one such as 0.7, products and sums of leaves are rounded
 */
export function buildGraph({ nodes, outputs, assignments }: Recipe, dtype: Float, scale = 1): RandomGraph {
  const valuesOf = (size: number, n: number) => leafValues(size, n).map((value) => value * scale);
  const inputs = [input('x', [3, 4], dtype), input('image', [2, 4, 5, 2], dtype), input('n', [2], 'int32')];
  const variables = [[3, 3], [3, 3], [3, 4], [4], [2, 2, 2, 3]].map((shape, n) => {
    const storage = new Storage(shape, dtype, (data) => data.set(valuesOf(data.length, n)));
    return new Variable(storage);
  });
  const constants = [cr.tensor(valuesOf(12, 9), { shape: [1, 3, 4], dtype }), cr.full([3, 1], 1.5, dtype)];
  const rows = cr.tensor([2, 0, 1, 2], { dtype: 'int32' });
  const empty = cr.tensor(allocate(dtype, 0), { shape: [0, 4] });
  const leaves = [...inputs, ...variables, ...constants, rows, empty];
  const pool: Entry[] = leaves.map((x) => ({ x, bound: 2, exact: scale === 1 }));
  const find = (n: number, test: Test = isFloat) => {
    for (let i = 0; i < pool.length; i++) {
      const entry = pool[(n + i) % pool.length] as Entry;
      if (test(entry)) return entry;
    }
    return undefined;
  };
  const isFloat: Test = ({ x }) => x.dtype === dtype;
  for (const [op, a, b, c] of nodes) {
    const made = makers[op % makers.length]?.({
      dtype,
      c,
      leaves: [...variables, ...inputs.slice(0, 2)],
      a: (test) => find(pool.length - 1 - (a % 6), test),
      b: (test) => find(b, test),
    });
    if (made) pool.push(made.bound > LARGEST && isFloat(made) ? tamed(made, c) : made);
  }
  const targets = new Map<Variable, Tensor>();
  for (const [n, value] of assignments) {
    const variable = variables[n % variables.length] as Variable;
    const same = find(value, (entry) => isFloat(entry) && String(entry.x.shape) === String(variable.shape));
    const chosen = value % 3 === 0 ? find(value) : same;
    if (chosen) targets.set(variable, shaped(chosen.x, variable.shape));
  }
  const result = outputs.map(
    (n) => (pool[n % 2 ? n % pool.length : pool.length - 1 - (n % Math.min(4, pool.length))] as Entry).x,
  );
  return { inputs: inputs, variables, outputs: result, assignments: targets };
}

function tamed({ x, bound }: Entry, c: number): Entry {
  return c % 2 === 0
    ? { x: x.mul(1 / bound), bound: 1, exact: false }
    : { x: x.tanh(), bound: 1, exact: false };
}

function shaped(x: Tensor, shape: readonly number[]): Tensor {
  const size = shape.reduce((p, q) => p * q, 1);
  return x.size === size
    ? x.reshape(shape)
    : x
        .sum()
        .mul(1 / Math.max(1, x.size))
        .expand(shape);
}

const compare = [cr.lt, cr.le, cr.gt, cr.ge, cr.eq, cr.ne] as const;
const rectangle = (c: number): [number, number] => [1 + (c % 2), 1 + ((c >> 1) % 2)];

/** Axes of length 1 are seldom cut, or most graphs would end with nothing in them. */
const slice = unary(
  (x, c) => x.slice(x.shape.map((d, i) => [d > 1 || c % 9 === 0 ? (c >> i) % 2 : 0, d, 1 + ((c >> 3) % 2)])),
  same,
  true,
);

/** A gradient jumps where values tie, and in float32 rounding decides the tie. */
function gradient({ a, c, dtype, leaves }: Scene): Entry | undefined {
  const entry = dtype === 'float64' ? a(notEmpty) : undefined;
  if (!entry) return undefined;
  const below = reachable([entry.x]);
  const sources = leaves.filter((leaf) => below.includes(leaf));
  const source = sources[c % sources.length];
  return source && { x: grad(entry.x.square().sum(), [source])[0] as Tensor, bound: 64, exact: false };
}

const convolution: Maker = ({ a, c, leaves }) => {
  const image = a((entry) => images(entry) && entry.x.shape[3] === 2);
  const options = { stride: rectangle(c), padding: c % 3, dilation: 1 + (c % 5 === 0 ? 1 : 0) };
  const fits = image && (options.padding > 0 || options.dilation === 1);
  return fits
    ? { x: image.x.conv2d(leaves[4] as Tensor, options), bound: 16 * image.bound, exact: false }
    : undefined;
};

const maximum = unary(
  (x, c) => cr.maxPool2d(x, 2, { stride: rectangle(c), padding: c % 2 }),
  same,
  true,
  images,
);

// Images and gradients are listed several times, because they seldom find the operands that they need.
const makers: readonly Maker[] = [
  ...moreMakers,
  unary((x) => cr.neg(x), same, true),
  unary((x) => cr.abs(x), same, true),
  unary((x) => cr.relu(x), same, true),
  unary((x) => cr.tanh(x), one),
  unary((x) => cr.sigmoid(x), one),
  unary((x, c) => (c % 2 ? cr.sin(x) : cr.cos(x)), one),
  unary((x) => x.abs().neg().exp(), one),
  unary((x) => x.abs().add(1).log(), same),
  unary(
    (x) => x.abs().add(0.5).sqrt(),
    (bound) => bound + 1,
  ),
  unary((x) => x.leakyRelu(0.1), same),
  unary(
    (x) => x.square(),
    (bound) => bound * bound,
  ),
  unary((x, c) => (c % 3 === 0 ? x.detach() : c % 3 === 1 ? identity(x) : halved(x)), same, true),
  unary(
    (x, c) => x.add(numbers[c % 6] as number),
    (bound) => bound + 2,
    true,
  ),
  unary(
    (x, c) => x.mul(numbers[c % 6] as number),
    (bound) => 2 * bound,
    true,
  ),
  unary(
    (x, c) => cr.sub(numbers[c % 6] as number, x),
    (bound) => bound + 2,
    true,
  ),
  unary((x) => x.softmax(), one, false, notEmpty),
  unary(
    (x) => x.logSoftmax(),
    (bound) => 2 * bound + 4,
    false,
    notEmpty,
  ),
  binary(
    (a, b) => cr.add(a, b),
    (a, b) => a + b,
    true,
  ),
  binary(
    (a, b) => cr.sub(a, b),
    (a, b) => a + b,
    true,
  ),
  binary(
    (a, b) => cr.mul(a, b),
    (a, b) => a * b,
  ),
  binary((a, b) => a.div(b.abs().add(1)), same),
  binary((a, b) => cr.maximum(a, b), Math.max, true),
  binary((a, b) => cr.minimum(a, b), Math.max, true),
  binary(
    (a, b) => a.abs().add(0.5).pow(b.tanh()),
    (a) => a + 2,
  ),
  ({ a, b, c }) => {
    const left = a(exactFloat);
    const right = left && b((other) => exactFloat(other) && broadcasts(left.x, other.x));
    const fn = compare[c % compare.length] as (a: Tensor, b: Tensor) => Tensor;
    return left && right && { x: fn(left.x, right.x), bound: 1, exact: true };
  },
  ({ a, b }) => {
    const condition = a(({ x }) => x.dtype === 'bool');
    const value = condition && b(({ x }) => x.dtype.startsWith('float') && broadcasts(condition.x, x));
    return value && { ...value, x: cr.where(condition.x, value.x, 0.5) };
  },
  ({ a, dtype }) => {
    const entry = a(({ x }) => x.dtype === 'bool' || x.dtype === 'int32');
    return entry && { ...entry, x: entry.x.to(dtype) };
  },
  unary((x, c) => x.to(c % 2 ? 'int32' : 'bool'), same, true, exactFloat),
  unary(
    (x, c) => x.sum(axesOf(x, c), { keepDims: c % 2 === 0 }),
    (bound) => 12 * bound,
    false,
    notEmpty,
  ),
  unary((x, c) => x.mean(axesOf(x, c)), same, false, notEmpty),
  unary((x, c) => x.max(axesOf(x, c), { keepDims: c % 3 === 0 }), same, true, notEmpty),
  unary(
    (x, c) => x.argMax(c % x.ndim),
    () => 4,
    true,
    (entry) => exactFloat(entry) && notEmpty(entry),
  ),
  unary(
    (x) => x.sum(),
    same,
    true,
    ({ x }) => x.dtype === 'int32' || x.dtype === 'bool',
  ),
  unary((x) => x.reshape(x.shape.toReversed()), same, true),
  unary((x) => x.flatten(), same, true),
  unary(
    (x, c) => x.unsqueeze(c % (x.ndim + 1)),
    same,
    true,
    ({ x }) => x.ndim < 4,
  ),
  unary(
    (x, c) => x.permute(x.shape.map((_, axis) => (axis + 1 + (c % 3)) % x.ndim)),
    same,
    true,
    ({ x }) => x.ndim > 0,
  ),
  unary((x) => x.transpose(), same, true, matrices),
  unary(
    (x, c) => x.expand([2 + (c % 2), ...x.shape]),
    same,
    true,
    ({ x }) => x.ndim < 3 && x.size < 40,
  ),
  unary((x) => x.slice([[0, 1]]).expand(x.shape), same, true, notEmpty),
  slice,
  slice,
  unary(
    (x, c) =>
      x.pad(
        x.shape.map((_, i) => [(c >> i) % 2, (c >> (i + 1)) % 2]),
        x.dtype === 'bool' ? c % 2 : c % 3,
      ),
    (b) => b + 2,
    true,
    ({ x }) => x.size < 80,
  ),
  binary(
    (a, b, c) => (String(a.shape) === String(b.shape) && a.ndim > 0 ? cr.concat([a, b, a], c % a.ndim) : a),
    Math.max,
    true,
  ),
  ({ a, c, dtype }) => {
    const entry = a(({ x }) => x.ndim < 3);
    return entry && { x: cr.uniform([...entry.x.shape], dtype, c), bound: 1, exact: true };
  },
  ({ a, b, c }) => {
    const left = a(matrices);
    const transposeA = c % 2 === 1;
    const inner = left?.x.shape.at(transposeA ? -2 : -1);
    const batch = String(left?.x.shape.slice(0, -2));
    const fits = ({ x }: Entry, at: number) =>
      x.shape.at(at) === inner && (x.ndim === 2 || String(x.shape.slice(0, -2)) === batch);
    const plain = left && b((entry) => matrices(entry) && fits(entry, -2));
    const turned = left && b((entry) => matrices(entry) && fits(entry, -1));
    const right = c % 4 < 2 ? (plain ?? turned) : (turned ?? plain);
    if (!left || !right) return undefined;
    const x = left.x.matmul(right.x, { transposeA, transposeB: right === turned && right !== plain });
    return { x, bound: left.bound * right.bound * (inner as number), exact: false };
  },
  ({ a, leaves }) => {
    const table = a((entry) => notEmpty(entry) && (entry.x.shape[0] as number) >= 3);
    const rows = cr.tensor([2, 0, 1, 2, 2], { dtype: 'int32' });
    return leaves.length > 0 && table ? { ...table, x: table.x.gather(rows) } : undefined;
  },
  ({ c, dtype }) => ({
    x: cr.oneHot(cr.tensor([2, 0, 1], { dtype: 'uint8' }), 3 + (c % 2), dtype),
    bound: 1,
    exact: true,
  }),
  convolution,
  convolution,
  maximum,
  maximum,
  maximum,
  unary((x, c) => cr.avgPool2d(x, 2, { stride: rectangle(c), padding: c % 2 }), same, false, images),
  gradient,
  gradient,
  gradient,
  gradient,
  gradient,
  gradient,
  gradient,
  gradient,
];
