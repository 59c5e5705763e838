import { at } from '../../graph/at.js';
import { isFloat } from '../../graph/dtype.js';
import { formatShape, invalid } from '../../graph/errors.js';
import type { Tensor } from '../../graph/tensor.js';
import { layoutHint } from './layout-hint.js';

interface Layout {
  readonly what: string;
  readonly image: readonly string[];
  readonly kernel: readonly string[];
}

/** The axes of the operands of a convolution, by number of spatial axes. */
const LAYOUTS: readonly Layout[] = [
  { what: 'values', image: ['N', 'C'], kernel: ['C', 'O'] },
  { what: 'sequences', image: ['N', 'L', 'C'], kernel: ['K', 'C', 'O'] },
  { what: 'images', image: ['N', 'H', 'W', 'C'], kernel: ['KH', 'KW', 'C', 'O'] },
  { what: 'volumes', image: ['N', 'D', 'H', 'W', 'C'], kernel: ['KD', 'KH', 'KW', 'C', 'O'] },
];

const layout = (rank: number): Layout => at(LAYOUTS, rank);

/**
 * Checks an image with `rank` spatial axes, channels last.
 *
 * @param channels number of channels, if it is known, for hints
 */
export function requireImage(op: string, x: Tensor, rank: number, channels?: number): void {
  const { what, image } = layout(rank);
  if (x.ndim === rank + 2) return;
  const hint = layoutHint(x.shape, rank + 2, channels);
  throw invalid(op, `${what} must be [${image.join(', ')}]${hint}`, x.shape);
}

/**
 * Checks the ranks and dtypes of an image and a kernel with `rank` spatial axes.
 *
 * @param channels number of input channels that the kernel is for
 */
export function requireOperands(
  op: string,
  x: Tensor,
  weight: Tensor,
  rank: number,
  channels: number | undefined,
): void {
  requireImage(op, x, rank, channels);
  const { what, kernel } = layout(rank);
  if (weight.ndim !== rank + 2) throw invalid(op, `kernels must be [${kernel.join(', ')}]`, weight.shape);
  if (weight.size === 0) throw invalid(op, 'kernels must not be empty', weight.shape);
  if (x.dtype !== weight.dtype || !isFloat(x.dtype)) {
    throw invalid(op, `${what} and kernels must both be float32 or both float64`, [x.dtype, weight.dtype]);
  }
}

/**
 * Checks that the channels of an image match those that the kernel reads, group by group.
 *
 * @param transposed true if the kernel's last axis holds the input channels and the one before it the output channels
 */
export function requireChannels(
  op: string,
  x: Tensor,
  weight: Tensor,
  groups: number,
  transposed = false,
): void {
  const { image, kernel } = layout(x.ndim - 2);
  const [inner, last] = weight.shape.slice(-2) as [number, number];
  if (last % groups !== 0) {
    throw invalid(op, `groups must divide the ${last} ${transposed ? 'input' : 'output'} channels`, groups);
  }
  if (x.shape.at(-1) === (transposed ? last : inner * groups)) return;
  const [c, o] = transposed ? ['O', 'C'] : ['C', 'O'];
  const names = [...kernel.slice(0, -2), groups === 1 ? c : `${c}/${groups}`, o];
  const shapes = `${formatShape(x.shape)} x ${formatShape(weight.shape)}`;
  const hint = layoutHint(x.shape, x.ndim, transposed ? last : inner * groups);
  throw invalid(op, `input channels differ, ${shapes} ([${image}] x [${names}])${hint}`);
}
