import { invalid } from '../graph/errors.js';

/** Checks an option that is part of a whole: at least 0, and less than 1. */
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

/** Checks an option that may be 0. */
export function requireNonNegative(op: string, name: string, value: number): number {
  if (Number.isFinite(value) && value >= 0) return value;
  throw invalid(op, `${name} must not be negative`, value);
}

/** Checks an option that may not be 0. */
export function requirePositive(op: string, name: string, value: number): number {
  if (Number.isFinite(value) && value > 0) return value;
  throw invalid(op, `${name} must be positive`, value);
}
