import { at } from '../../graph/at.js';
import type { ConvAlgorithm } from '../primitives/images/conv.js';
import { type Extents, extents } from '../primitives/images/window.js';
import { convAlgorithm } from './conv-algorithm.js';
import type { ConvOptions, PaddingMode } from './conv-options.js';

/** Options of a convolution, checked, with one value for each spatial axis. */
export interface ConvWindow {
  readonly stride: readonly number[];
  readonly padding: readonly number[] | 'same';
  readonly paddingMode: PaddingMode;
  readonly dilation: readonly number[];
  readonly groups: number;
  readonly algorithm: ConvAlgorithm;
}

/** Completes the options of a convolution, which are of their kinds, for `rank` spatial axes. */
export function convWindow(op: string, options: ConvOptions<Extents>, rank: number): ConvWindow {
  const { stride = 1, padding = 0, paddingMode = 'zeros', dilation = 1, groups = 1 } = options;
  return {
    stride: extents(op, 'stride', stride, rank, 1),
    padding:
      padding === 'same' ? padding : extents(op, 'padding', padding === 'valid' ? 0 : padding, rank, 0),
    paddingMode,
    dilation: extents(op, 'dilation', dilation, rank, 1),
    groups,
    algorithm: convAlgorithm(op, options.algorithm),
  };
}

/** Number of elements added before and after each spatial axis. */
export function paddingSides(
  { stride, padding, dilation }: ConvWindow,
  lengths: readonly number[],
  kernel: readonly number[],
): (readonly [before: number, after: number])[] {
  return lengths.map((length, axis) => {
    if (padding !== 'same') return [at(padding, axis), at(padding, axis)];
    const step = at(stride, axis);
    const span = at(dilation, axis) * (at(kernel, axis) - 1) + 1;
    const total = Math.max((Math.ceil(length / step) - 1) * step + span - length, 0);
    return [Math.floor(total / 2), Math.ceil(total / 2)];
  });
}
