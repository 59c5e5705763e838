import type { DType } from '../../graph/dtype.js';
import { formatType, invalid } from '../../graph/errors.js';
import { full } from '../../graph/leaf.js';
import { reachable, Tensor } from '../../graph/tensor.js';
import { sum } from '../../ops/primitives/broadcast.js';
import { requireFloat } from '../../ops/primitives/checks.js';
import { add, cast, div, eq, mul, where } from '../../ops/primitives/elementwise.js';
import { reshape } from '../../ops/primitives/movement.js';
import { LossTerms } from './loss-terms.js';

/**
 * What a loss or a metric adds up over some rows. The figure of all rows is the sum of the `sum`s, divided by the sum of
 * the `weight`s; without `weight` it is a total, which nothing divides.
 */
export interface Sums {
  readonly sum: Tensor;
  /** The number that counts for each row, added up: of samples, of tokens, of the weights of classes. */
  readonly weight?: Tensor | number;
}

/** The sums behind scalars that losses and metrics have returned. */
const known = new WeakMap<Tensor, Sums>();

/**
 * The quotient of two sums as one scalar, 0 if the weight is 0. Whoever adds figures up over several batches or shards
 * adds the two sums (see `sumsOf`).
 *
 * @param dtype of the quotient, where the sums have a more precise one
 */
export function ratio(total: Tensor, weight: Tensor, dtype: DType = total.dtype): Tensor {
  const result = cast(div(total, where(eq(weight, 0), 1, weight)), dtype);
  known.set(result, { sum: total, weight });
  return result;
}

/** The sum of all elements, which stays a sum where figures are added up over several batches or shards. */
export function totalOf(x: Tensor): Tensor {
  const total = sum(x);
  known.set(total, { sum: total });
  return total;
}

/** The sums behind a scalar; undefined for any scalar that `ratio` and `totalOf` have not made. */
export function sumsOf(scalar: Tensor): Sums | undefined {
  return known.get(scalar);
}

/** True for a total, and for a scalar that is computed from one. */
export function isOfTotal(scalar: Tensor): boolean {
  return reachable([scalar]).some((node) => {
    const sums = known.get(node);
    return sums !== undefined && sums.weight === undefined;
  });
}

/** Checks that a scalar that counts as the mean of its rows is not computed from a total. */
export function requireNoTotal(op: string, name: string, scalar: Tensor): void {
  if (!isOfTotal(scalar)) return;
  const expected =
    `${name} is computed from a sum over rows (reduction: 'sum'), but a scalar counts as the mean of its rows; ` +
    'return { sum, weight }, or { sum } for a total';
  throw invalid(op, expected);
}

/** How a figure is made of its parts: the mean over their rows, a ratio of sums, or a sum. */
export type FigureKind = 'mean' | 'ratio' | 'total';

/** What a loss or a metric returned, checked: scalars. */
export interface Terms {
  readonly kind: FigureKind;
  /** The mean over the rows if the kind is 'mean'. */
  readonly sum: Tensor;
  /** Given if the kind is 'ratio'. */
  readonly weight?: Tensor;
}

/**
 * Checks what a loss or a metric returned: a scalar, or `{ sum, weight }`.
 *
 * @param name of the loss or the metric, for errors
 */
export function requireTerms(op: string, name: string, result: unknown): Terms {
  if (result instanceof Tensor) {
    const sums = known.get(result);
    if (sums) return requireTerms(op, name, sums);
    const value = requireScalar(op, name, result);
    requireFloat(
      op,
      value,
      `${name} is the mean of its rows and must be a float; for a sum, return { sum, weight }`,
    );
    requireNoTotal(op, name, value);
    return { kind: 'mean', sum: value };
  }
  const { sum: total, weight } = requireSums(op, name, result);
  const whole = requireScalar(op, `the sum of ${name}`, total);
  if (weight === undefined) return { kind: 'total', sum: whole };
  const divisor = typeof weight === 'number' ? full([], weight, 'float64') : weight;
  return { kind: 'ratio', sum: whole, weight: requireScalar(op, `the weight of ${name}`, divisor) };
}

/** One of the losses that a loss is the sum of, and the factor by which it counts. */
export interface WeightedTerms extends Terms {
  readonly name: string;
  readonly factor: number;
}

/** Checks what a loss or a metric returned, which may be several losses. */
export function requireAllTerms(op: string, name: string, result: unknown): WeightedTerms[] {
  if (!(result instanceof LossTerms)) return [{ name, factor: 1, ...requireTerms(op, name, result) }];
  return result.terms.map((term) => {
    const own = `${name} of ${term.name}`;
    return { name: term.name, factor: term.factor, ...requireTerms(op, own, term.result) };
  });
}

/** The sum of values, each times its factor. */
export function weightedSum(terms: readonly { readonly factor: number; readonly value: Tensor }[]): Tensor {
  const [first, ...others] = terms.map(({ factor, value }) => (factor === 1 ? value : mul(value, factor)));
  return others.reduce((total, value) => add(total, value), first as Tensor);
}

/** What a loss or a metric returned, as one scalar. */
export function asScalar(op: string, name: string, result: unknown): Tensor {
  const terms = requireAllTerms(op, name, result).map(({ factor, sum: total, weight }) => {
    return { factor, value: weight ? ratio(total, cast(weight, total.dtype)) : total };
  });
  return weightedSum(terms);
}

function requireSums(op: string, name: string, result: unknown): Sums {
  const { sum: total, weight, ...others } = isPlain(result) ? result : { sum: undefined };
  const isSum = total instanceof Tensor && Object.keys(others).length === 0;
  const divides = weight instanceof Tensor || weight === undefined || Number.isFinite(weight);
  if (isSum && divides) return result as Sums;
  throw invalid(op, `${name} must be a scalar tensor or { sum, weight }`, describe(result));
}

function isPlain(value: unknown): value is Partial<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Promise);
}

/** A received value; of an object, its keys. */
function describe(value: unknown): unknown {
  if (value instanceof Promise) return 'a promise';
  if (!isPlain(value)) return value;
  const keys = Object.entries(value).map(
    ([key, one]) => `${key}: ${one instanceof Tensor ? 'tensor' : typeof one}`,
  );
  return `{ ${keys.join(', ')} }`;
}

/** A tensor of one element without axes. */
function requireScalar(op: string, name: string, value: Tensor): Tensor {
  if (value.size === 1) return value.ndim === 0 ? value : reshape(value, []);
  const hint = value.ndim > 0 ? "; reduction 'mean' or 'sum' makes it one" : '';
  throw invalid(op, `${name} must be a scalar${hint}`, formatType(value));
}
