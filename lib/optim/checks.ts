import { invalid } from '../graph/errors.js';

/** Checks a fraction: at least 0 and less than 1. */
export function requireShare(op: string, name: string, value: number): number {
  if (typeof value === 'number' && value >= 0 && value < 1) return value;
  throw invalid(op, `${name} must be at least 0 and less than 1`, value);
}

/** Checks two decays, each at least 0 and less than 1. */
export function requireBetas(op: string, betas: readonly [number, number]): readonly [number, number] {
  const two = Array.isArray(betas) && betas.length === 2;
  if (two && betas.every((beta) => typeof beta === 'number' && beta >= 0 && beta < 1)) return betas;
  throw invalid(op, 'betas must be at least 0 and less than 1', betas);
}

/** Checks an option that must not be negative. */
export function requireNonNegative(op: string, name: string, value: number): number {
  if (Number.isFinite(value) && value >= 0) return value;
  throw invalid(op, `${name} must not be negative`, value);
}

/** Checks an option that must be positive. */
export function requirePositive(op: string, name: string, value: number): number {
  if (Number.isFinite(value) && value > 0) return value;
  throw invalid(op, `${name} must be positive`, value);
}
