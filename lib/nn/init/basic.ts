import { invalid } from '../../graph/errors.js';
import { full } from '../../graph/leaf.js';
import { add, mul } from '../../ops/primitives/elementwise.js';
import * as random from '../../ops/primitives/random.js';
import type { Initialiser } from './initializer.js';

/** Sets every element to `value`. */
export function constant(value: number): Initialiser {
  return (shape, { dtype }) => full(shape, value, dtype, 'constant');
}

/** All zeros. */
export const zeros: Initialiser = constant(0);

/** All ones. */
export const ones: Initialiser = constant(1);

/**
 * Uniform in [low, high).
 *
 * @throws when `low` is greater than `high`, or one of them is not finite
 */
export function uniform(low = 0, high = 1): Initialiser {
  if (!(low <= high) || !Number.isFinite(high - low)) {
    throw invalid('uniform', 'low and high must be finite, and low at most high', [low, high]);
  }
  return (shape, { dtype, key }) => add(mul(random.uniform(shape, dtype, key), high - low), low);
}

/**
 * Normal with the given mean and standard deviation.
 *
 * @throws when `deviation` is negative, or one of them is not finite
 */
export function normal(mean = 0, deviation = 1): Initialiser {
  requireNormal('normal', mean, deviation);
  return (shape, { dtype, key }) =>
    add(mul(random.normal(shape, dtype, [key, (key ^ 0x5bd1e995) >>> 0]), deviation), mean);
}

/** Checks the mean and standard deviation of a normal distribution. */
export function requireNormal(op: string, mean: number, deviation: number): void {
  if (!Number.isFinite(mean)) throw invalid(op, 'mean must be a finite number', mean);
  if (!(deviation >= 0 && Number.isFinite(deviation))) {
    throw invalid(op, 'deviation must be a finite number of at least 0', deviation);
  }
}
