import { at } from '../../graph/at.js';
import { invalid } from '../../graph/errors.js';
import type { WindowLists } from '../primitives/images/pool.js';
import { type Extents, extents } from '../primitives/images/window.js';
import type { AvgPoolOptions, MaxPoolOptions } from './pool-options.js';

/** Options of any pooling, checked, with one value for each spatial axis. */
export interface PoolWindow extends WindowLists {
  readonly countIncludePad: boolean;
}

/** Checks the window of a pooling over `rank` spatial axes. */
export function poolWindow(
  op: string,
  size: Extents,
  options: MaxPoolOptions<Extents> & AvgPoolOptions<Extents>,
  rank: number,
): PoolWindow {
  const { stride = size, padding = 0, dilation = 1, ceilMode = false, countIncludePad = true } = options;
  const window = extents(op, 'size', size, rank, 1);
  const frame = extents(op, 'padding', padding, rank, 0);
  const spread = extents(op, 'dilation', dilation, rank, 1);
  const span = (axis: number) => (at(window, axis) - 1) * at(spread, axis) + 1;
  if (frame.some((width, axis) => width > span(axis) / 2)) {
    throw invalid(op, 'padding must be at most half of the window', frame);
  }
  return {
    size: window,
    stride: extents(op, 'stride', stride, rank, 1),
    padding: frame,
    dilation: spread,
    ceilMode,
    countIncludePad,
  };
}

/** Checks the exponent of a norm. */
export function requireExponent(op: string, p: number): number {
  if (!(p > 0 && p < Number.POSITIVE_INFINITY)) throw invalid(op, 'p must be a positive number', p);
  return p;
}
