import type { Tensor } from 'chainrule';
import * as cr from 'chainrule';
import { binary, exactFloat, type Maker, notEmpty, one, same, type Test, unary } from './maker.js';
import { hashIntegers } from './random.js';

const exactNotEmpty: Test = (entry) => exactFloat(entry) && notEmpty(entry);
const short: Test = (entry) => notEmpty(entry) && entry.x.size < 80;
const square: Test = (entry) =>
  notEmpty(entry) && entry.x.ndim >= 2 && entry.x.shape.at(-1) === entry.x.shape.at(-2);
const isBool: Test = ({ x }) => x.dtype === 'bool';

/** The same places on an axis for every graph of this shape. */
function places(x: Tensor, axis: number, count: number): Tensor {
  const shape = x.shape.with(axis, count);
  const size = shape.reduce((p, q) => p * q, 1);
  return cr.tensor(Int32Array.from(hashIntegers(size, count, x.shape[axis] as number)), { shape });
}

const smooth = [
  cr.erf,
  cr.atan,
  (x: Tensor) => cr.asin(x.tanh().mul(0.9)),
  (x: Tensor) => cr.acos(x.tanh().mul(0.9)),
];
const steps = [cr.floor, cr.ceil, cr.round];

/** Further ops in random graphs. Those that jump take exact numbers, so that rounding does not decide. */
export const moreMakers: readonly Maker[] = [
  unary(
    (x, c) => (smooth[c % smooth.length] as (x: Tensor) => Tensor)(x),
    () => 3,
  ),
  unary(
    (x, c) => (c % 2 ? x.abs().neg().expm1() : x.abs().log1p()),
    (bound) => bound + 1,
  ),
  unary(
    (x, c) => (c % 3 ? x.tanh().sinh() : c % 2 ? x.tanh().cosh() : x.tanh().tan()),
    () => 2,
  ),
  binary(
    (a, b) => cr.atan2(a, b.abs().add(0.5)),
    () => 2,
  ),
  unary(
    (x, c) => (steps[c % steps.length] as (x: Tensor) => Tensor)(x),
    (bound) => bound + 1,
    true,
    exactFloat,
  ),
  unary(
    (x, c) => (c % 2 ? x.mod(c % 3 ? 1.5 : -0.75) : x.floorDiv(c % 3 ? 2 : -1)),
    (bound) => bound + 2,
    true,
    exactFloat,
  ),
  unary((x, c) => x.clip(-0.75, c % 2 ? 1.25 : undefined), same, true, exactFloat),
  binary(
    (a, b) => cr.logAddExp(a, b),
    (a, b) => Math.max(a, b) + 1,
  ),
  ({ a, b, c }) => {
    const left = a(isBool);
    const right = left && b((other) => isBool(other) && String(other.x.shape) === String(left.x.shape));
    const combine = [cr.logicalAnd, cr.logicalOr, cr.logicalXor][c % 3] as typeof cr.logicalAnd;
    return left && right && { ...left, x: combine(left.x, right.x) };
  },
  unary((x, c) => x.min(c % x.ndim, { keepDims: c % 2 === 0 }), same, true, notEmpty),
  unary(
    (x, c) => x.argMin(c % x.ndim),
    () => 4,
    true,
    exactNotEmpty,
  ),
  unary(
    (x, c) => x.argSort(c % x.ndim, { descending: c % 2 === 0 }),
    () => 4,
    true,
    exactNotEmpty,
  ),
  unary((x, c) => x.sort(c % x.ndim, { descending: c % 2 === 0 }), same, true, notEmpty),
  unary(
    (x, c) => x.topK(1 + (c % (x.shape.at(-1) as number)), -1, { largest: c % 2 === 0 }).values,
    same,
    true,
    notEmpty,
  ),
  unary(
    (x, c) => x.cumSum(c % x.ndim),
    (bound) => 8 * bound,
    false,
    notEmpty,
  ),
  unary((x, c) => x.tanh().cumProd(c % x.ndim), one, false, short),
  unary((x, c) => x.tanh().prod(c % x.ndim), one, false, short),
  unary((x, c) => x.flip(c % x.ndim), same, true, notEmpty),
  unary((x, c) => x.roll(c, c % x.ndim), same, true, notEmpty),
  unary((x, c) => x.takeAlong(places(x, c % x.ndim, 1 + (c % 3)), c % x.ndim), same, true, notEmpty),
  unary((x, c) => x.indexSelect(cr.tensor(Int32Array.of(0, 0)), c % x.ndim), same, true, notEmpty),
  unary(
    (x, c) => {
      const at = places(x, c % x.ndim, 2);
      return cr.scatterAddAlong(x, at, x.takeAlong(at, c % x.ndim), c % x.ndim);
    },
    (bound) => 3 * bound,
    true,
    notEmpty,
  ),
  unary(
    (x, c) =>
      x
        .variance(c % x.ndim, { correction: 0 })
        .add(1)
        .sqrt(),
    (bound) => bound + 1,
    false,
    notEmpty,
  ),
  unary((x, c) => (c % 2 ? x.tril(c % 3) : x.triu(-(c % 3))), same, true, square),
  unary(
    (x) => cr.solve(x.tanh().add(cr.eye(x.shape.at(-1) as number, undefined, x.dtype).mul(12)), x),
    same,
    false,
    (entry) => square(entry) && (entry.x.shape.at(-1) as number) < 5,
  ),
];
