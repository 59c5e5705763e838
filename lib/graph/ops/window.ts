import { invalid, requireInteger } from '../errors.js';

/** One number for both axes, or one for the height and one for the width. */
export type Pair = number | readonly [number, number];

/** Reads an option that counts pixels: one integer, or one per axis. */
export function pair(op: string, name: string, value: Pair, min: number): [number, number] {
  if (typeof value === 'number') {
    requireInteger(op, name, value, { min });
    return [value, value];
  }
  if (value.length !== 2) throw invalid(op, `${name} must be an integer or a pair of them`, value);
  return [requireInteger(op, name, value[0], { min }), requireInteger(op, name, value[1], { min })];
}

/** The number of places of a window on one axis. Throws when the window does not fit once. */
export function windowPlaces(
  op: string,
  length: number,
  window: number,
  stride: number,
  padding: number,
  dilation = 1,
): number {
  const span = dilation * (window - 1) + 1;
  const places = Math.floor((length + 2 * padding - span) / stride) + 1;
  if (places < 1) {
    throw invalid(op, `a window of ${span} does not fit into ${length} with a padding of ${padding}`);
  }
  return places;
}
