import { expect } from 'vitest';

/** Moments of random numbers, as in `moments` of scripts/fixtures/common.py. */
export interface Moments {
  readonly count: number;
  readonly mean: number;
  readonly deviation: number;
  /** 1.8 of uniform numbers, 3 of normal ones; 0 where all are one number. */
  readonly kurtosis: number;
  /** The largest magnitude. */
  readonly bound: number;
}

export function momentsOf(values: ArrayLike<number>): Moments {
  const list = Array.from(values);
  const count = list.length;
  const mean = list.reduce((a, b) => a + b, 0) / count;
  const central = (power: number) => list.reduce((a, b) => a + (b - mean) ** power, 0) / count;
  const deviation = Math.sqrt(central(2));
  const kurtosis = deviation > 0 ? central(4) / deviation ** 4 : 0;
  return { count, mean, deviation, kurtosis, bound: list.reduce((a, b) => Math.max(a, Math.abs(b)), 0) };
}

/** Fails unless both are samples of one distribution: each moment within five of its standard errors. */
export function expectAlike(name: string, found: Moments, expected: Moments): void {
  const { count, mean, deviation, kurtosis, bound } = expected;
  expect(found.count, `${name}: number of elements`).toBe(count);
  if (deviation === 0) {
    expect(found, name).toEqual({
      ...expected,
      mean: expect.closeTo(mean, 7),
      bound: expect.closeTo(bound, 7),
    });
    return;
  }
  // Both are samples, so that their differences have twice the variance.
  const error = Math.sqrt(2 / count);
  expect(Math.abs(found.mean - mean), `${name}: mean`).toBeLessThan(5 * deviation * error);
  const relative = Math.abs(found.deviation / deviation - 1);
  expect(relative, `${name}: deviation`).toBeLessThan((5 * error * Math.sqrt(kurtosis - 1)) / 2);
  expect(Math.abs(found.kurtosis - kurtosis), `${name}: kurtosis`).toBeLessThan(5 * error * Math.sqrt(24));
  // Uniform numbers come near their bound, the nearer the more there are.
  if (kurtosis < 2) expect(Math.abs(found.bound / bound - 1), `${name}: bound`).toBeLessThan(12 / count);
}
