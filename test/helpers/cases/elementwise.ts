import * as cr from 'chainrule';
import type { CheckOptions, Fn, InputSpec } from '../check-op.js';
import { mapPlain } from '../naive/naive.js';

/** One call of `checkOp`. */
export interface OpCase {
  readonly fn: Fn;
  readonly inputs: readonly (cr.Shape | InputSpec)[];
  readonly options?: CheckOptions;
}

export type OpCases = Readonly<Record<string, readonly OpCase[]>>;

export const positive = (shape: cr.Shape): InputSpec => ({ shape, low: 0.3, high: 3 });

/** Odd sizes, one element, none, and enough for full blocks and a rest. */
const shapes: readonly cr.Shape[] = [[], [1], [0], [7], [3, 5], [2, 1, 9], [4, 33]];

export function unary(
  fn: Fn,
  reference: (x: number) => number,
  spec = (shape: cr.Shape): InputSpec => ({ shape }),
) {
  return shapes.map(
    (shape): OpCase => ({
      fn,
      inputs: [spec(shape)],
      options: { reference: (x) => mapPlain(reference, x), valueTolerance: 1e-13 },
    }),
  );
}

export const pairs: readonly (readonly [cr.Shape, cr.Shape])[] = [
  [[], []],
  [
    [3, 5],
    [3, 5],
  ],
  [[3, 5], [5]],
  [[1], [3, 5]],
  [
    [3, 1],
    [1, 5],
  ],
  [
    [2, 1, 4],
    [3, 1],
  ],
  [
    [0, 3],
    [1, 3],
  ],
  [[11], []],
];

export function binary(
  fn: Fn,
  reference: (a: number, b: number) => number,
  specs: readonly [(shape: cr.Shape) => InputSpec, (shape: cr.Shape) => InputSpec] = [
    (shape) => ({ shape }),
    (shape) => ({ shape }),
  ],
) {
  return pairs.map(
    ([a, b]): OpCase => ({
      fn,
      inputs: [specs[0](a), specs[1](b)],
      options: { reference: (x, y) => mapPlain(reference, x, y), valueTolerance: 1e-13 },
    }),
  );
}

function comparison(fn: Fn, reference: (a: number, b: number) => boolean): OpCase[] {
  const rounded: Fn = (a, b) => fn(cr.cast(a as cr.Tensor, 'int32'), cr.cast(b as cr.Tensor, 'int32'));
  const options = (f: (a: number, b: number) => boolean): CheckOptions => ({
    gradient: false,
    reference: (x, y) => mapPlain((a, b) => Number(f(a, b)), x, y),
  });
  const whole = (a: number, b: number) => reference(Math.trunc(a), Math.trunc(b));
  return pairs.flatMap((inputs) => [
    { fn, inputs, options: options(reference) },
    // Truncated to whole numbers many of them are equal.
    { fn: rounded, inputs, options: options(whole) },
  ]);
}

const x0 = (f: (x: cr.Tensor) => cr.Tensor): Fn => f as Fn;
const x01 = (f: (a: cr.Tensor, b: cr.Tensor) => cr.Tensor): Fn => f as Fn;

export const elementwiseCases: OpCases = {
  neg: unary(x0(cr.neg), (x) => -x),
  abs: unary(x0(cr.abs), Math.abs),
  exp: unary(x0(cr.exp), Math.exp),
  log: unary(x0(cr.log), Math.log, positive),
  sqrt: unary(x0(cr.sqrt), Math.sqrt, positive),
  sin: unary(x0(cr.sin), Math.sin),
  cos: unary(x0(cr.cos), Math.cos),
  tanh: unary(x0(cr.tanh), Math.tanh),
  sigmoid: unary(x0(cr.sigmoid), (x) => 1 / (1 + Math.exp(-x))),
  relu: unary(x0(cr.relu), (x) => Math.max(x, 0)),
  leakyRelu: [
    ...unary(
      (x) => cr.leakyRelu(x as cr.Tensor, 0.2),
      (x) => (x > 0 ? x : 0.2 * x),
    ),
    ...unary(
      (x) => cr.leakyRelu(x as cr.Tensor),
      (x) => (x > 0 ? x : 0.01 * x),
    ),
    ...unary(
      (x) => cr.leakyRelu(x as cr.Tensor, 0),
      (x) => (x > 0 ? x : 0),
    ),
    ...unary(
      (x) => cr.leakyRelu(x as cr.Tensor, -1.5),
      (x) => (x > 0 ? x : -1.5 * x),
    ),
  ],
  add: binary(x01(cr.add), (a, b) => a + b),
  sub: [
    ...binary(x01(cr.sub), (a, b) => a - b),
    ...unary(
      (x) => cr.sub(3, x as cr.Tensor),
      (x) => 3 - x,
    ),
  ],
  mul: [
    ...binary(x01(cr.mul), (a, b) => a * b),
    ...unary(
      (x) => cr.square(x as cr.Tensor),
      (x) => x * x,
    ),
  ],
  div: [
    ...binary(x01(cr.div), (a, b) => a / b, [(shape) => ({ shape }), positive]),
    ...unary(
      (x) => cr.div(2, x as cr.Tensor),
      (x) => 2 / x,
      positive,
    ),
  ],
  pow: [
    ...binary(x01(cr.pow), (a, b) => a ** b, [positive, (shape) => ({ shape })]),
    ...unary(
      (x) => cr.pow(x as cr.Tensor, 3),
      (x) => x ** 3,
    ),
    ...unary(
      (x) => cr.pow(x as cr.Tensor, 2),
      (x) => x ** 2,
    ),
    ...unary(
      (x) => cr.pow(2, x as cr.Tensor),
      (x) => 2 ** x,
    ),
  ],
  maximum: binary(x01(cr.maximum), Math.max),
  minimum: binary(x01(cr.minimum), Math.min),
  where: pairs.map(([a, b]) => ({
    fn: x01((x, y) => cr.where(cr.gt(y, 0), x, y)),
    inputs: [a, b],
    options: { reference: (x, y) => mapPlain((p, q) => (q > 0 ? p : q), x, y) },
  })),
  cast: unary(
    x0((x) => cr.cast(cr.cast(x, 'float32'), 'float64')),
    Math.fround,
  ),
  eq: comparison(x01(cr.eq), (a, b) => a === b),
  ne: comparison(x01(cr.ne), (a, b) => a !== b),
  lt: comparison(x01(cr.lt), (a, b) => a < b),
  le: comparison(x01(cr.le), (a, b) => a <= b),
  gt: comparison(x01(cr.gt), (a, b) => a > b),
  ge: comparison(x01(cr.ge), (a, b) => a >= b),
};
