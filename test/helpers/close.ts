import { expect } from 'vitest';

export interface Tolerance {
  /** Largest difference, as a share of the expected number. */
  readonly relative: number;
  /** Expected numbers smaller than this are compared as if they were as large. Default 1. */
  readonly floor?: number;
}

/**
 * Fails, naming the worst element, unless all numbers are close; NaN and infinities must be the same.
 *
 * @returns the largest relative error
 */
export function expectClose(
  name: string,
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  { relative, floor = 1 }: Tolerance,
): number {
  expect(actual.length, `${name}: number of elements`).toBe(expected.length);
  let worst = 0;
  let message = '';
  for (let i = 0; i < expected.length; i++) {
    const [a, e] = [actual[i] as number, expected[i] as number];
    if (Object.is(a, e) || a === e) continue;
    const distance = Math.abs(a - e) / Math.max(Math.abs(e), floor);
    const error = Number.isFinite(distance) ? distance : Number.POSITIVE_INFINITY;
    if (error <= worst) continue;
    worst = error;
    message = `${name}: element ${i} is ${a}, not ${e} (relative error ${error})`;
  }
  expect(worst, message).toBeLessThanOrEqual(relative);
  return worst;
}
