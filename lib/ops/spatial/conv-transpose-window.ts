import { at } from '../../graph/at.js';
import { invalid } from '../../graph/errors.js';
import { type Extents, extents } from '../primitives/images/window.js';

import type { ConvTransposeOptions } from './conv-options.js';
import { type ConvWindow, convWindow } from './conv-window.js';

/** Options of a transposed convolution, checked, with one value for each spatial axis. */
export interface ConvTransposeWindow extends ConvWindow {
  readonly padding: readonly number[];
  readonly outputPadding: readonly number[];
}

/** Checks the options of a transposed convolution over `rank` spatial axes. */
export function convTransposeWindow(
  op: string,
  options: ConvTransposeOptions<Extents>,
  rank: number,
): ConvTransposeWindow {
  const { padding = 0, outputPadding = 0, ...shared } = options;
  const window = convWindow(op, shared, rank);
  const added = extents(op, 'outputPadding', outputPadding, rank, 0);
  added.forEach((count, axis) => {
    const least = Math.max(at(window.stride, axis), at(window.dilation, axis));
    if (count >= least)
      throw invalid(op, 'outputPadding must be less than the stride or the dilation', added);
  });
  return { ...window, padding: extents(op, 'padding', padding, rank, 0), outputPadding: added };
}
