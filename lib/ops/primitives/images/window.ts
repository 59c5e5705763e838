import { either, type Kind, listOf } from '../../../graph/arguments/kind.js';
import * as kinds from '../../../graph/arguments/kinds.js';
import { invalid, requireInteger } from '../../../graph/errors.js';

/** One number for both axes, or one for the height and one for the width. */
export type Pair = number | readonly [number, number];
/** One number for all three axes, or one each for the depth, the height and the width. */
export type Triple = number | readonly [number, number, number];
/** One number, or one per spatial axis. */
export type Extents = number | readonly number[];

/** An option that counts pixels; `extents` checks the number of axes and the range. */
export const extent: Kind<Extents> = either(kinds.axis, listOf(kinds.axis, 'integers'));

const NAMES = ['', 'an integer', 'a pair of them', 'a triple of them'];

/** Reads an option that counts pixels: one integer, or one for each of `rank` spatial axes. */
export function extents(op: string, name: string, value: Extents, rank: number, min: number): number[] {
  if (typeof value === 'number') {
    requireInteger(op, name, value, { min });
    return new Array<number>(rank).fill(value);
  }
  if (!Array.isArray(value) || value.length !== rank) {
    const list = rank === 1 ? NAMES[1] : `an integer or ${NAMES[rank]}`;
    throw invalid(op, `${name} must be ${list}`, value);
  }
  return value.map((count) => requireInteger(op, name, count, { min }));
}

/** Reads an option that counts pixels: one integer, or one per axis. */
export function pair(op: string, name: string, value: Extents, min: number): [number, number] {
  return extents(op, name, value, 2, min) as [number, number];
}

/**
 * The number of positions of a window on one axis. Throws if the window does not fit once.
 *
 * @param ceil also counts a last window that starts before the end and reaches past it. Default false
 */
export function windowPlaces(
  op: string,
  length: number,
  window: number,
  stride: number,
  padding: number,
  dilation = 1,
  ceil = false,
): number {
  const span = dilation * (window - 1) + 1;
  const room = length + 2 * padding - span;
  let places = Math.floor(room / stride) + 1;
  if (ceil && room % stride !== 0 && places * stride < length + padding) places++;
  if (places < 1) {
    throw invalid(op, `a window of ${span} does not fit into ${length} with a padding of ${padding}`);
  }
  return places;
}
