import type { TypedArray } from '../graph/dtype.js';
import type { FileArray, FileDType } from '../io/file-dtypes.js';
import { isHalf } from '../io/file-dtypes.js';

/** How far values are from recorded ones. */
export interface Difference {
  /** The largest absolute difference. */
  readonly difference: number;
  /** Relative to the largest recorded magnitude. */
  readonly relative: number;
}

/** Of shapes that differ. */
export const APART: Difference = { difference: Number.POSITIVE_INFINITY, relative: Number.POSITIVE_INFINITY };

/** Compares values of one shape. Both NaN, or the same infinity, is no difference. */
export function differenceOf(found: TypedArray, recorded: FileArray): Difference {
  let difference = 0;
  let largest = 0;
  for (let i = 0; i < found.length; i++) {
    const [a, b] = [Number(found[i]), Number(recorded[i])];
    if (Number.isFinite(b)) largest = Math.max(largest, Math.abs(b));
    if (Object.is(a, b) || a === b) continue;
    const apart = Math.abs(a - b);
    difference = Math.max(difference, Number.isNaN(apart) ? Number.POSITIVE_INFINITY : apart);
  }
  return { difference, relative: difference === 0 ? 0 : difference / largest };
}

/** The relative difference from which values of these dtypes depart, unless the user says otherwise. */
export function defaultTolerance(ours: FileDType, recorded: FileDType): number {
  if (isHalf(recorded)) return 1e-2;
  return ours === 'float64' && recorded === 'float64' ? 1e-9 : 1e-4;
}
