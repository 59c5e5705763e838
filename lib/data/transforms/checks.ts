import { invalid, requireInteger, requireOptions } from '../../graph/errors.js';
import type { Interval } from './transform.js';

/** Checks that options are a plain object with known names only. */
export function requireKnown(op: string, options: object, known: readonly string[]): void {
  requireOptions(op, options);
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown !== undefined) throw invalid(op, `options are ${known.join(', ')}`, unknown);
}

/** Checks that a number is finite and within inclusive limits. */
export function requireNumber(
  op: string,
  name: string,
  value: unknown,
  { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = {},
): number {
  if (typeof value === 'number' && Number.isFinite(value) && value >= min && value <= max) return value;
  const limits = [
    ...(Number.isFinite(min) ? [`at least ${min}`] : []),
    ...(Number.isFinite(max) ? [`at most ${max}`] : []),
  ];
  throw invalid(
    op,
    `${name} must be a number${limits.length > 0 ? ` of ${limits.join(' and ')}` : ''}`,
    value,
  );
}

/** Checks an option that is a number for both axes, or a pair of rows and columns. */
export function requirePair(
  op: string,
  name: string,
  value: unknown,
  range: { min: number; max?: number },
): readonly [number, number] {
  const pair: unknown[] = Array.isArray(value) ? value : [value, value];
  if (pair.length !== 2) throw invalid(op, `${name} must be a number or [rows, columns]`, value);
  const [rows, columns] = pair.map((item) => requireInteger(op, name, item, range)) as [number, number];
  return [rows, columns];
}

/** Checks an option that is an interval, or the half-width of one around `centre`. */
export function requireInterval(
  op: string,
  name: string,
  value: unknown,
  { centre = 0, min = Number.NEGATIVE_INFINITY } = {},
): Interval {
  if (Array.isArray(value)) {
    if (value.length !== 2) throw invalid(op, `${name} must be a number or [low, high]`, value);
    const [low, high] = value.map((item) => requireNumber(op, name, item, { min })) as [number, number];
    if (low > high) throw invalid(op, `${name} must have its lower number first`, value);
    return [low, high];
  }
  const width = requireNumber(op, name, value, { min: 0 });
  return [Math.max(centre - width, min), centre + width];
}
