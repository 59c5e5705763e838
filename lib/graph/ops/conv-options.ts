import { invalid, requireInteger, requireOptions } from '../errors.js';
import { type Extents, extents, type Pair } from './window.js';

/** What lies beyond the image's borders: zeros, or the image mirrored, its border repeated, or itself again. */
export type PaddingMode = 'zeros' | 'reflect' | 'replicate' | 'circular';

const MODES: readonly PaddingMode[] = ['zeros', 'reflect', 'replicate', 'circular'];

/** Options of a convolution. Each extent is one number, or a list with one for each spatial axis. */
export interface ConvOptions<E extends Extents = Pair> {
  /** Step between the places of the kernel. Default 1. */
  readonly stride?: E;
  /**
   * Elements added on every side. `'valid'` adds none; `'same'` gives `ceil(length / stride)` results, and puts the
   * odd element of an odd total behind, as TensorFlow and, for a stride of 1, PyTorch. Default 0.
   */
  readonly padding?: E | 'same' | 'valid';
  /** What the padding holds. Default 'zeros'. */
  readonly paddingMode?: PaddingMode;
  /** Distance between the taps of the kernel. Default 1. */
  readonly dilation?: E;
  /**
   * Into how many groups the channels are cut; each group of results sees one group of the input's channels. As many
   * as there are channels make a depthwise convolution. Default 1.
   */
  readonly groups?: number;
}

/** Options of a convolution, checked and written out for each spatial axis. */
export interface ConvWindow {
  readonly stride: readonly number[];
  readonly padding: readonly number[] | 'same';
  readonly paddingMode: PaddingMode;
  readonly dilation: readonly number[];
  readonly groups: number;
}

/** Checks the options of a convolution over `rank` spatial axes. */
export function convWindow(op: string, options: ConvOptions<Extents>, rank: number): ConvWindow {
  requireOptions(op, options);
  const { stride = 1, padding = 0, paddingMode = 'zeros', dilation = 1, groups = 1 } = options;
  if (typeof padding === 'string' && padding !== 'same' && padding !== 'valid') {
    throw invalid(op, "padding must count elements, or be 'same' or 'valid'", padding);
  }
  if (!MODES.includes(paddingMode)) {
    throw invalid(op, `paddingMode must be one of ${MODES.join(', ')}`, paddingMode);
  }
  return {
    stride: extents(op, 'stride', stride, rank, 1),
    padding:
      padding === 'same' ? padding : extents(op, 'padding', padding === 'valid' ? 0 : padding, rank, 0),
    paddingMode,
    dilation: extents(op, 'dilation', dilation, rank, 1),
    groups: requireInteger(op, 'groups', groups, { min: 1 }),
  };
}

/** How many elements are added before and behind each spatial axis. */
export function paddingSides(
  { stride, padding, dilation }: ConvWindow,
  lengths: readonly number[],
  kernel: readonly number[],
): (readonly [before: number, after: number])[] {
  return lengths.map((length, axis) => {
    if (padding !== 'same') return [padding[axis] as number, padding[axis] as number];
    const step = stride[axis] as number;
    const span = (dilation[axis] as number) * ((kernel[axis] as number) - 1) + 1;
    const total = Math.max((Math.ceil(length / step) - 1) * step + span - length, 0);
    return [Math.floor(total / 2), Math.ceil(total / 2)];
  });
}
