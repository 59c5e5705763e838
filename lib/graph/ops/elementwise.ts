import { type DType, isFloat, requireDType } from '../dtype.js';
import { invalid } from '../errors.js';
import type { GradRule, Instruction, OpRecord } from '../op.js';
import { broadcastShapes } from '../shapes.js';
import { Tensor } from '../tensor.js';
import { expand } from './broadcast.js';
import { full } from './leaf.js';

/** What element-wise functions take: a tensor, or a number that adopts the other operand's dtype. */
export type Operand = Tensor | number;

export interface Immediate {
  readonly value?: number;
}

function elementwise(
  kind: string,
  type: (inputs: readonly Tensor[]) => DType,
  grad: GradRule<Immediate> | null,
): OpRecord<Immediate> {
  return {
    kind,
    type: (inputs) => ({ shape: (inputs[0] as Tensor).shape, dtype: type(inputs) }),
    grad,
    kernel: {
      family: 'map',
      instruction: ({ value }): Instruction => (value === undefined ? { code: kind } : { code: kind, value }),
    },
    cost: (node) => node.size,
  };
}

function sameDType(kind: string, inputs: readonly Tensor[]): DType {
  const [first, ...rest] = inputs as [Tensor, ...Tensor[]];
  for (const x of rest) {
    if (x.dtype !== first.dtype) {
      throw invalid(kind, `dtypes differ, ${first.dtype} and ${x.dtype}; cast one of them`);
    }
  }
  return first.dtype;
}

function floatOnly(kind: string, inputs: readonly Tensor[]): DType {
  const dtype = sameDType(kind, inputs);
  if (!isFloat(dtype)) throw invalid(kind, 'needs float32 or float64; cast it first', dtype);
  return dtype;
}

function numbers(kind: string, inputs: readonly Tensor[]): DType {
  const dtype = sameDType(kind, inputs);
  if (dtype === 'bool') throw invalid(kind, 'needs numbers; cast the bool first', dtype);
  return dtype;
}

const floating = (kind: string, grad: GradRule<Immediate> | null) =>
  elementwise(kind, (inputs) => floatOnly(kind, inputs), grad);
const numeric = (kind: string, grad: GradRule<Immediate> | null) =>
  elementwise(kind, (inputs) => numbers(kind, inputs), grad);
const comparison = (kind: string) =>
  elementwise(
    kind,
    (inputs) => {
      sameDType(kind, inputs);
      return 'bool';
    },
    null,
  );

export const negOp = numeric('neg', (g) => [neg(g)]);
export const absOp = numeric('abs', (g, node) => [mul(g, sign(node.input(0)))]);
export const expOp = floating('exp', (g, node) => [mul(g, node)]);
export const logOp = floating('log', (g, node) => [div(g, node.input(0))]);
export const sqrtOp = floating('sqrt', (g, node) => [div(mul(g, 0.5), node)]);
export const sinOp = floating('sin', (g, node) => [mul(g, cos(node.input(0)))]);
export const cosOp = floating('cos', (g, node) => [neg(mul(g, sin(node.input(0))))]);
export const tanhOp = floating('tanh', (g, node) => [mul(g, sub(1, mul(node, node)))]);
export const sigmoidOp = floating('sigmoid', (g, node) => [mul(g, mul(node, sub(1, node)))]);
export const reluOp = numeric('relu', (g, node) => [where(gt(node, 0), g, 0)]);
export const leakyReluOp = floating('leakyRelu', (g, node) => [
  where(gt(node.input(0), 0), g, mul(g, node.attributes.value ?? 0)),
]);
export const addOp = numeric('add', (g) => [g, g]);
export const subOp = numeric('sub', (g) => [g, neg(g)]);
export const mulOp = numeric('mul', (g, node) => [mul(g, node.input(1)), mul(g, node.input(0))]);
export const divOp = floating('div', (g, node) => [
  div(g, node.input(1)),
  neg(div(mul(g, node), node.input(1))),
]);
export const powOp = floating('pow', (g, node) => {
  const [x, y] = [node.input(0), node.input(1)];
  const toBase = mul(g, mul(y, pow(x, sub(y, 1))));
  // log(0) would make 0 * -Infinity of a base that is zero, where the true limit is 0.
  const toExponent = mul(g, mul(node, log(where(gt(x, 0), x, 1))));
  return [where(eq(y, 0), 0, toBase), toExponent];
});
// Where both are equal each gets half, as in PyTorch.
export const maximumOp = numeric('maximum', (g, node) => shareByOrder(g, node.input(0), node.input(1)));
export const minimumOp = numeric('minimum', (g, node) => shareByOrder(g, node.input(1), node.input(0)));
export const eqOp = comparison('eq');
export const neOp = comparison('ne');
export const ltOp = comparison('lt');
export const leOp = comparison('le');
export const gtOp = comparison('gt');
export const geOp = comparison('ge');
export const whereOp = elementwise(
  'where',
  ([condition, ...values]) => {
    if (condition?.dtype !== 'bool') throw invalid('where', 'condition must be bool', condition?.dtype);
    return sameDType('where', values);
  },
  (g, node) => [null, where(node.input(0), g, 0), where(node.input(0), 0, g)],
);

export interface CastAttributes {
  readonly dtype: DType;
}

/** The same numbers as another dtype. Floats are truncated toward zero on the way to integers. */
export const castOp: OpRecord<CastAttributes> = {
  kind: 'cast',
  type: ([x], { dtype }) => ({ shape: (x as Tensor).shape, dtype }),
  grad: (g, node) => [isFloat(node.input(0).dtype) ? cast(g, node.input(0).dtype) : null],
  kernel: {
    family: 'map',
    instruction: ({ dtype }) => ({ code: dtype === 'bool' ? 'truth' : isFloat(dtype) ? 'copy' : 'truncate' }),
  },
  cost: (node) => node.size,
};

function shareByOrder(g: Tensor, greater: Tensor, other: Tensor): Tensor[] {
  const half = where(eq(greater, other), mul(g, 0.5), 0);
  return [where(gt(greater, other), g, half), where(gt(other, greater), g, half)];
}

function apply1(op: OpRecord<Immediate>, x: Tensor, value?: number): Tensor {
  return new Tensor(op, [x], value === undefined ? {} : { value });
}

function apply2(op: OpRecord<Immediate>, a: Operand, b: Operand): Tensor {
  return new Tensor(op, broadcast(op.kind, [a, b]), {});
}

/** Turns numbers into constants of the tensors' dtype, and expands all operands to one shape. */
function broadcast(kind: string, operands: readonly Operand[]): Tensor[] {
  for (const x of operands) {
    if (typeof x !== 'number' && !(x instanceof Tensor)) {
      throw invalid(kind, 'operands must be tensors or numbers', x);
    }
  }
  const like = operands.find((x) => typeof x !== 'number');
  if (!like) throw invalid(kind, 'at least one operand must be a tensor', operands);
  const tensors = operands.map((x) => (typeof x === 'number' ? full([], x, like.dtype, kind) : x));
  const shape = tensors.map((x) => x.shape).reduce((a, b) => broadcastShapes(kind, a, b));
  return tensors.map((x) => expand(x, shape));
}

/** `-x`. */
export const neg = (x: Tensor): Tensor => apply1(negOp, x);
/** The absolute value; its gradient at 0 is 0. */
export const abs = (x: Tensor): Tensor => apply1(absOp, x);
/** `e ** x`. */
export const exp = (x: Tensor): Tensor => apply1(expOp, x);
/** The natural logarithm. */
export const log = (x: Tensor): Tensor => apply1(logOp, x);
/** The square root. */
export const sqrt = (x: Tensor): Tensor => apply1(sqrtOp, x);
/** The sine of an angle in radians. */
export const sin = (x: Tensor): Tensor => apply1(sinOp, x);
/** The cosine of an angle in radians. */
export const cos = (x: Tensor): Tensor => apply1(cosOp, x);
/** The hyperbolic tangent. */
export const tanh = (x: Tensor): Tensor => apply1(tanhOp, x);
/** The logistic function `1 / (1 + e ** -x)`. */
export const sigmoid = (x: Tensor): Tensor => apply1(sigmoidOp, x);
/** `max(x, 0)`; its gradient at 0 is 0. */
export const relu = (x: Tensor): Tensor => apply1(reluOp, x);
/** `x` where positive, else `slope * x` (Maas et al. 2013). */
export const leakyRelu = (x: Tensor, slope = 0.01): Tensor => apply1(leakyReluOp, x, slope);
/** `x * x`. */
export const square = (x: Tensor): Tensor => mul(x, x);
/** -1, 0 or 1. Its gradient is 0 everywhere. */
export const sign = (x: Tensor): Tensor => sub(cast(gt(x, 0), x.dtype), cast(lt(x, 0), x.dtype));

/** `a + b`, broadcast. */
export const add = (a: Operand, b: Operand): Tensor => apply2(addOp, a, b);
/** `a - b`, broadcast. */
export const sub = (a: Operand, b: Operand): Tensor => apply2(subOp, a, b);
/** `a * b`, broadcast. */
export const mul = (a: Operand, b: Operand): Tensor => apply2(mulOp, a, b);
/** `a / b`, broadcast; floats only. */
export const div = (a: Operand, b: Operand): Tensor => apply2(divOp, a, b);
/** `a ** b`, broadcast; floats only. */
export const pow = (a: Operand, b: Operand): Tensor => apply2(powOp, a, b);
/** The larger of both; NaN if either is. */
export const maximum = (a: Operand, b: Operand): Tensor => apply2(maximumOp, a, b);
/** The smaller of both; NaN if either is. */
export const minimum = (a: Operand, b: Operand): Tensor => apply2(minimumOp, a, b);
/** `a === b` as bool. */
export const eq = (a: Operand, b: Operand): Tensor => apply2(eqOp, a, b);
/** `a !== b` as bool. */
export const ne = (a: Operand, b: Operand): Tensor => apply2(neOp, a, b);
/** `a < b` as bool. */
export const lt = (a: Operand, b: Operand): Tensor => apply2(ltOp, a, b);
/** `a <= b` as bool. */
export const le = (a: Operand, b: Operand): Tensor => apply2(leOp, a, b);
/** `a > b` as bool. */
export const gt = (a: Operand, b: Operand): Tensor => apply2(gtOp, a, b);
/** `a >= b` as bool. */
export const ge = (a: Operand, b: Operand): Tensor => apply2(geOp, a, b);

/** `a` where the bool `condition` holds, else `b`; all three broadcast. */
export function where(condition: Tensor, a: Operand, b: Operand): Tensor {
  const like = [a, b].find((x) => typeof x !== 'number');
  const dtype = like ? like.dtype : 'float32';
  const values = [a, b].map((x) => (typeof x === 'number' ? full([], x, dtype, 'where') : x));
  return new Tensor(whereOp, broadcast('where', [condition, ...values]), {});
}

/** Converts to another dtype. */
export function cast(x: Tensor, dtype: DType): Tensor {
  requireDType('cast', dtype);
  return x.dtype === dtype ? x : new Tensor(castOp, [x], { dtype });
}
