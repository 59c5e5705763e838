import { invalid } from '../../graph/errors.js';
import { requireShape, type Shape } from '../../graph/shapes.js';

/** The trailing dimensions that a normalisation runs over; a number means the last one alone. */
export function requireNormalizedShape(op: string, normalizedShape: number | Shape): Shape {
  const shape = typeof normalizedShape === 'number' ? [normalizedShape] : normalizedShape;
  if (shape.length === 0) throw invalid(op, 'normalizedShape must have at least one axis', shape);
  return requireShape(op, shape);
}

/** Checks the limits of `hardTanh`. */
export function requireRange(op: string, low: number, high: number): void {
  if (!(low <= high)) throw invalid(op, 'low must not be greater than high', [low, high]);
}

/** Checks that a number is finite and, if `zero` is false, not 0. */
export function requireNumber(op: string, name: string, value: number, { zero = true } = {}): void {
  if (Number.isFinite(value) && (zero || value !== 0)) return;
  throw invalid(op, `${name} must be a finite number${zero ? '' : ' other than 0'}`, value);
}
