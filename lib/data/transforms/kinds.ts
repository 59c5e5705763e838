import { type Kind, kind } from '../../graph/arguments/kind.js';
import { finite, integer } from '../../graph/arguments/kinds.js';
import type { Interval, OnBadItem } from './transform.js';

// The kinds of values that transforms take.

/** A number within inclusive limits. */
export function numberFrom(min: number, max: number): Kind<number> {
  return kind(`a number from ${min} to ${max}`, (value) => isWithin(value, min, max));
}

/** An integer for both axes, or a pair of rows and columns. */
export function pair(min: number): Kind<number | readonly [number, number]> {
  const one = integer({ min });
  return kind(`${one.description} or [rows, columns]`, (value) => {
    const both: readonly unknown[] = Array.isArray(value) ? [...value] : [value, value];
    return both.length === 2 && both.every(one.accepts);
  });
}

/** The rows and columns of such a value. */
export function pairOf(value: number | readonly [number, number]): readonly [number, number] {
  return typeof value === 'number' ? [value, value] : [...value];
}

/** An interval within inclusive limits, or the half-width of one. */
export function interval(
  min = Number.NEGATIVE_INFINITY,
  max = Number.POSITIVE_INFINITY,
): Kind<number | Interval> {
  const range = intervalAlone(min, max);
  return kind(`a non-negative number or ${range.description}`, (value) =>
    Array.isArray(value) ? range.accepts(value) : isWithin(value, 0, max),
  );
}

/** An interval within inclusive limits. */
export function intervalAlone(min: number, max: number): Kind<Interval> {
  const limits = Number.isFinite(min)
    ? `, ${Number.isFinite(max) ? `from ${min} to ${max}` : `at least ${min}`}`
    : '';
  return kind(`[low, high] in rising order${limits}`, (value) => {
    if (!Array.isArray(value) || value.length !== 2) return false;
    return [...value].every((end) => isWithin(end, min, max)) && value[0] <= value[1];
  });
}

/** The interval of such a value, whose half-width is around a centre and cut off at `min`. */
export function intervalOf(
  value: number | Interval,
  { centre = 0, min = Number.NEGATIVE_INFINITY } = {},
): Interval {
  return typeof value === 'number' ? [Math.max(centre - value, min), centre + value] : [...value];
}

/** One finite number, or several. */
export const numbers: Kind<number | readonly number[]> = kind('a number or an array of numbers', (value) =>
  Array.isArray(value) ? [...value].every(finite.accepts) : finite.accepts(value),
);

export const onBadItem: Kind<OnBadItem> = kind(
  "'error' or 'skip'",
  (value) => value === 'error' || value === 'skip',
);

function isWithin(value: unknown, min: number, max: number): boolean {
  return finite.accepts(value) && (value as number) >= min && (value as number) <= max;
}
