import type { Plan } from '../compile/plan/plan.js';
import { digits } from './svg.js';

/** Mapping of steps and bytes to pixels. */
export interface Scale {
  x(step: number): number;
  y(bytes: number): number;
}

/** Live bytes at each step. */
export function liveBytes({ steps, blocks }: Pick<Plan, 'steps' | 'blocks'>): Float64Array {
  const changes = new Float64Array(steps.length + 1);
  for (const { bytes, first, last } of blocks) {
    changes[first] = (changes[first] as number) + bytes;
    changes[last + 1] = (changes[last + 1] as number) - bytes;
  }
  for (let i = 1; i < changes.length; i++) changes[i] = (changes[i] as number) + (changes[i - 1] as number);
  return changes.subarray(0, steps.length);
}

/** Path of the curve of live bytes: a level per step or, if steps are narrower than a pixel, the maximum per pixel. */
export function livePath(live: Float64Array, { x, y }: Scale): string {
  const width = x(live.length) - x(0);
  const columns = Math.max(1, Math.min(live.length, Math.floor(width)));
  let path = `M${digits(x(0))} ${digits(y(0))}`;
  let [level, at] = [Number.NaN, x(0)];
  for (let column = 0; column < columns; column++) {
    const from = Math.floor((column * live.length) / columns);
    const to = Math.floor(((column + 1) * live.length) / columns);
    const most = live.subarray(from, to).reduce((a, b) => Math.max(a, b), 0);
    if (most !== level) path += `H${digits(at)}V${digits(y(most))}`;
    level = most;
    at = x(to);
  }
  return `${path}H${digits(at)}V${digits(y(0))}`;
}
