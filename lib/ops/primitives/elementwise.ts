import { checked } from '../../graph/arguments/checked.js';
import { optional } from '../../graph/arguments/kind.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { type DType, isFloat } from '../../graph/dtype.js';
import { invalid } from '../../graph/errors.js';
import { filled } from '../../graph/leaf.js';
import type { OpRecord } from '../../graph/op.js';
import { Tensor } from '../../graph/tensor.js';
import {
  apply1,
  apply2,
  type Binary,
  binary,
  broadcast,
  elementwise,
  floating,
  numeric,
  type Operand,
  sameDType,
  transcendental,
  type Unary,
  unary,
  wrapping,
} from './elementwise-record.js';
import { stopGradient } from './stop-gradient.js';

// Each record is an instruction of the vector machine with its gradient rule; below it is the function that applies it.

// Arithmetic

export const negOp = wrapping('neg', (g) => [neg(g)], { involution: true, fold: (x) => -x });
/** `-x`. Integers wrap around, as in all arithmetic: the least int32 stays what it is. */
export const neg: Unary = unary(negOp);

export const absOp = wrapping('abs', (g, node) => [mul(g, sign(node.input(0)))], {}, ['int32']);
/** The absolute value; its gradient at 0 is 0. */
export const abs: Unary = unary(absOp);

export const addOp = wrapping('add', (g) => [g, g], { neutral: { left: 0, right: 0 } });
/** `a + b`, broadcast. Integers wrap around, as in PyTorch: 2147483647 + 1 is -2147483648. */
export const add: Binary = binary(addOp);

export const subOp = wrapping('sub', (g) => [g, neg(g)], { neutral: { right: 0 } });
/** `a - b`, broadcast. Integers wrap around. */
export const sub: Binary = binary(subOp);

export const mulOp = wrapping('mul', (g, node) => [mul(g, node.input(1)), mul(g, node.input(0))], {
  neutral: { left: 1, right: 1 },
  fold: (a, b) => a * b,
});
/** `a * b`, broadcast. Integers wrap around: an int32 holds the lowest 32 bits of the product. */
export const mul: Binary = binary(mulOp);

export const divOp = floating(
  'div',
  (g, node) => [div(g, node.input(1)), neg(div(mul(g, node), node.input(1)))],
  { neutral: { right: 1 } },
);
/** `a / b`, broadcast; floats only. */
export const div: Binary = binary(divOp);

export const powOp = transcendental('pow', (g, node) => {
  const [x, y] = [node.input(0), node.input(1)];
  const toBase = mul(g, mul(y, pow(x, sub(y, 1))));
  // For a base of 0 and a power of 0 or 1, log(0) would give 0 * -Infinity, where the true limit is 0.
  const flat = where(ge(y, 0), eq(x, 0), 0);
  const toExponent = mul(g, mul(node, log(where(flat, 1, x))));
  return [where(eq(y, 0), 0, toBase), toExponent];
});
/** `a ** b`, broadcast; floats only. */
export const pow: Binary = binary(powOp);

// Ties share the gradient evenly, as in PyTorch.
export const maximumOp = numeric('maximum', (g, node) => shareByOrder(g, node.input(0), node.input(1)));
/** The larger operand, broadcast; NaN if either is. */
export const maximum: Binary = binary(maximumOp);

export const minimumOp = numeric('minimum', (g, node) => shareByOrder(g, node.input(1), node.input(0)));
/** The smaller operand, broadcast; NaN if either is. */
export const minimum: Binary = binary(minimumOp);

export const floorOp = numeric('floor', null);
/** `x` rounded down to a whole number. Its gradient is 0 everywhere. */
export const floor: Unary = unary(floorOp);

export const ceilOp = numeric('ceil', null);
/** `x` rounded up to a whole number. Its gradient is 0 everywhere. */
export const ceil: Unary = unary(ceilOp);

export const roundOp = numeric('round', null);
/** `x` rounded to the nearest whole number, ties to even, as `torch.round`. Its gradient is 0 everywhere. */
export const round: Unary = unary(roundOp);

export const floorDivOp = wrapping('floorDiv', null, {}, ['int32']);
/**
 * The quotient rounded down to a whole number, broadcast, as Python's `a // b`. An integer divided by 0 gives 0, and the
 * least int32 divided by -1 itself. Its gradient is 0 everywhere.
 */
export const floorDiv = checked(
  'floorDiv',
  { a: kinds.operand, b: kinds.operand },
  (a: Operand, b: Operand): Tensor => divide(floorDivOp, a, b),
);

export const modOp = wrapping(
  'mod',
  (g, node) => [g, neg(mul(g, floorDiv(node.input(0), node.input(1))))],
  {},
  ['int32'],
);
/**
 * The remainder of `floorDiv`, broadcast: 0, or a number with the sign of `b`, as Python's `a % b` and
 * `torch.remainder`. An integer divided by 0 leaves 0, a float NaN.
 */
export const mod = checked(
  'mod',
  { a: kinds.operand, b: kinds.operand },
  (a: Operand, b: Operand): Tensor => divide(modOp, a, b),
);

// Exponential and trigonometric functions

export const expOp = transcendental('exp', (g, node) => [mul(g, node)]);
/** `e ** x`. */
export const exp: Unary = unary(expOp);

// Not the result plus 1, which has no digits left where the result is near -1.
export const expm1Op = transcendental('expm1', (g, node) => [mul(g, exp(node.input(0)))]);
/** `e ** x - 1`, accurate near 0. */
export const expm1: Unary = unary(expm1Op);

export const logOp = transcendental('log', (g, node) => [div(g, node.input(0))]);
/** The natural logarithm. */
export const log: Unary = unary(logOp);

export const log1pOp = transcendental('log1p', (g, node) => [div(g, add(node.input(0), 1))]);
/** `log(1 + x)`, accurate near 0. */
export const log1p: Unary = unary(log1pOp);

export const sqrtOp = floating('sqrt', (g, node) => [div(mul(g, 0.5), node)]);
/** The square root. */
export const sqrt: Unary = unary(sqrtOp);

export const sinOp = transcendental('sin', (g, node) => [mul(g, cos(node.input(0)))]);
/** The sine of an angle in radians. */
export const sin: Unary = unary(sinOp);

export const cosOp = transcendental('cos', (g, node) => [neg(mul(g, sin(node.input(0))))]);
/** The cosine of an angle in radians. */
export const cos: Unary = unary(cosOp);

export const tanOp = transcendental('tan', (g, node) => [mul(g, add(square(node), 1))]);
/** The tangent of an angle in radians. */
export const tan: Unary = unary(tanOp);

export const asinOp = transcendental('asin', (g, node) => [div(g, cosineOf(node.input(0)))]);
/** The angle from -pi / 2 to pi / 2 whose sine is `x`; NaN beyond -1 and 1. */
export const asin: Unary = unary(asinOp);

export const acosOp = transcendental('acos', (g, node) => [neg(div(g, cosineOf(node.input(0))))]);
/** The angle from 0 to pi whose cosine is `x`; NaN beyond -1 and 1. */
export const acos: Unary = unary(acosOp);

export const atanOp = transcendental('atan', (g, node) => [div(g, add(square(node.input(0)), 1))]);
/** The angle from -pi / 2 to pi / 2 whose tangent is `x`. */
export const atan: Unary = unary(atanOp);

export const atan2Op = transcendental('atan2', (g, node) => {
  const [y, x] = [node.input(0), node.input(1)];
  // The scale keeps the squares in range. It cancels out, so its gradient may be omitted.
  const size = stopGradient(maximum(abs(x), abs(y)));
  const flat = where(eq(size, 0), 1, eq(size, Number.POSITIVE_INFINITY));
  const scale = where(flat, 1, size);
  const [across, up] = [where(flat, 0, div(x, scale)), where(flat, 0, div(y, scale))];
  const share = div(g, where(flat, 1, add(square(across), square(up))));
  return [div(mul(share, across), scale), neg(div(mul(share, up), scale))];
});
/** The angle from -pi to pi of the point `(x, y)`, broadcast. Its gradient at the origin and at infinity is 0. */
export const atan2: Binary = binary(atan2Op, ['y', 'x']);

export const sinhOp = transcendental('sinh', (g, node) => [mul(g, cosh(node.input(0)))]);
/** The hyperbolic sine. */
export const sinh: Unary = unary(sinhOp);

export const coshOp = transcendental('cosh', (g, node) => [mul(g, sinh(node.input(0)))]);
/** The hyperbolic cosine. */
export const cosh: Unary = unary(coshOp);

export const erfOp = transcendental('erf', (g, node) => [
  mul(mul(g, exp(neg(square(node.input(0))))), 2 / Math.sqrt(Math.PI)),
]);
/** The error function: `2 / sqrt(pi)` times the integral of `e ** -(t ** 2)` from 0 to `x`. */
export const erf: Unary = unary(erfOp);

// Activations

export const tanhOp = transcendental('tanh', (g, node) => [mul(g, sub(1, mul(node, node)))]);
/** The hyperbolic tangent. */
export const tanh: Unary = unary(tanhOp);

export const sigmoidOp = transcendental('sigmoid', (g, node) => [mul(g, mul(node, sub(1, node)))]);
/** The logistic function `1 / (1 + e ** -x)`. */
export const sigmoid: Unary = unary(sigmoidOp);

export const reluOp = numeric('relu', (g, node) => [where(gt(node, 0), g, 0)]);
/** `max(x, 0)`; its gradient at 0 is 0. */
export const relu: Unary = unary(reluOp);

export const leakyReluOp = floating('leakyRelu', (g, node) => [
  where(gt(node.input(0), 0), g, mul(g, node.attributes.value ?? 0)),
]);
/** `x` where positive, else `slope * x` (Maas et al. 2013). */
export const leakyRelu = checked(
  'leakyRelu',
  { x: kinds.tensor, slope: optional(kinds.finite) },
  (x: Tensor, slope = 0.01): Tensor => apply1(leakyReluOp, x, slope),
);

// Comparisons, choices and conversions

const comparison = (kind: string) =>
  elementwise(
    kind,
    (inputs) => {
      sameDType(kind, inputs);
      return 'bool';
    },
    null,
  );

export const eqOp = comparison('eq');
/** `a === b` as bool. */
export const eq: Binary = binary(eqOp);

export const neOp = comparison('ne');
/** `a !== b` as bool. */
export const ne: Binary = binary(neOp);

export const ltOp = comparison('lt');
/** `a < b` as bool. */
export const lt: Binary = binary(ltOp);

export const leOp = comparison('le');
/** `a <= b` as bool. */
export const le: Binary = binary(leOp);

export const gtOp = comparison('gt');
/** `a > b` as bool. */
export const gt: Binary = binary(gtOp);

export const geOp = comparison('ge');
/** `a >= b` as bool. */
export const ge: Binary = binary(geOp);

export const whereOp = elementwise(
  'where',
  ([condition, ...values]) => {
    if (condition?.dtype !== 'bool') throw invalid('where', 'condition must be bool', condition?.dtype);
    return sameDType('where', values);
  },
  (g, node) => [null, where(node.input(0), g, 0), where(node.input(0), 0, g)],
);
/**
 * `a` where the bool `condition` is true, else `b`; all three broadcast. The result keeps the broadcast shape: shapes
 * in a graph are fixed, so no function selects only the elements that meet a condition.
 */
export const where = checked(
  'where',
  { condition: kinds.tensor, a: kinds.operand, b: kinds.operand },
  (condition: Tensor, a: Operand, b: Operand): Tensor => {
    const like = [a, b].find((x) => typeof x !== 'number');
    const dtype = like ? like.dtype : 'float32';
    const values = [a, b].map((x) => (typeof x === 'number' ? filled([], x, dtype, 'where') : x));
    return new Tensor(whereOp, broadcast('where', [condition, ...values]), {});
  },
);

/** The instruction that converts to a dtype. */
const conversions: Record<DType, string> = {
  float32: 'copy',
  float64: 'copy',
  int32: 'toInt32',
  uint8: 'toUint8',
  bool: 'truth',
};

export interface CastAttributes {
  readonly dtype: DType;
}

/** The same numbers as another dtype. */
export const castOp: OpRecord<CastAttributes> = {
  kind: 'cast',
  type: ([x], { dtype }) => ({ shape: (x as Tensor).shape, dtype }),
  grad: (g, node) => [isFloat(node.input(0).dtype) ? cast(g, node.input(0).dtype) : null],
  kernel: {
    family: 'map',
    instruction: ({ dtype }) => ({ code: conversions[dtype] }),
  },
  cost: (node) => node.size,
};
/**
 * Converts to another dtype. On the way to integers, floats are truncated toward zero; those beyond the range of int32 become
 * its nearest end, and NaN 0. A uint8 holds the lowest eight bits of that int32, so that 300 becomes 44 and -1 255.
 */
export const cast = checked(
  'cast',
  { x: kinds.tensor, dtype: kinds.dtype },
  (x: Tensor, dtype: DType): Tensor => (x.dtype === dtype ? x : new Tensor(castOp, [x], { dtype })),
);

// Helpers of rules and functions

function shareByOrder(g: Tensor, greater: Tensor, other: Tensor): Tensor[] {
  // Of two that are in no order, as with NaN, both get the gradient.
  const share = where(eq(greater, other), mul(g, 0.5), g);
  return [where(gt(other, greater), 0, share), where(gt(greater, other), 0, share)];
}

/** The cosine of an angle whose sine is `x`, or the sine of one whose cosine is `x`. */
const cosineOf = (x: Tensor): Tensor => sqrt(mul(sub(1, x), add(1, x)));

/** -1, 0 or 1. Its gradient is 0 everywhere. */
export const sign = checked(
  'sign',
  { x: kinds.tensor },
  (x: Tensor): Tensor => sub(cast(gt(x, 0), x.dtype), cast(lt(x, 0), x.dtype)),
);
/** `x * x`. */
export const square = checked('square', { x: kinds.tensor }, (x: Tensor): Tensor => mul(x, x));

/** Applies a division that gives 0 for integers divided by 0. */
function divide(op: typeof modOp, a: Operand, b: Operand): Tensor {
  const [dividend, divisor] = broadcast(op.kind, [a, b]) as [Tensor, Tensor];
  if (isFloat(dividend.dtype)) return apply2(op, dividend, divisor);
  const isZero = eq(divisor, 0);
  return where(isZero, 0, apply2(op, dividend, where(isZero, 1, divisor)));
}
