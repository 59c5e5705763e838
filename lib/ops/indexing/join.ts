import { checked, rest } from '../../graph/arguments/checked.js';
import { optional } from '../../graph/arguments/kind.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { inOneList, type OneByOne, oneByOne } from '../../graph/arguments/one-by-one.js';
import { at as elementAt } from '../../graph/at.js';
import { formatShape, invalid, requireInteger } from '../../graph/errors.js';
import { normaliseAxis, sameShape } from '../../graph/shapes.js';
import type { Tensor } from '../../graph/tensor.js';
import { expand } from '../primitives/broadcast.js';
import { concat, reshape, slice, sliceAxis, squeeze, unsqueeze } from '../primitives/movement.js';

/** Stacks tensors of one shape along a new axis (the first by default), as `torch.stack`. */
export const stack = checked(
  'stack',
  { tensors: kinds.tensors, axis: optional(kinds.axis) },
  (tensors: readonly Tensor[], axis = 0): Tensor => {
    const [first] = tensors;
    if (!first) throw invalid('stack', 'at least one tensor', []);
    const at = normaliseAxis('stack', axis, first.ndim + 1);
    for (const x of tensors) {
      if (!sameShape(x.shape, first.shape) || x.dtype !== first.dtype) {
        const wanted = `every tensor must be ${first.dtype} of shape ${formatShape(first.shape)}`;
        throw invalid('stack', wanted, `${x.dtype} of ${formatShape(x.shape)}`);
      }
    }
    return concat(
      tensors.map((x) => unsqueeze(x, at)),
      at,
    );
  },
);

/** The slices along an axis (the first by default), without that axis; the inverse of `stack`. */
export const unstack = checked(
  'unstack',
  { x: kinds.tensor, axis: optional(kinds.axis) },
  (x: Tensor, axis = 0): Tensor[] => {
    const over = normaliseAxis('unstack', axis, x.ndim);
    return Array.from({ length: elementAt(x.shape, over) }, (_, i) =>
      squeeze(sliceAxis(x, over, i, i + 1), over),
    );
  },
);

/**
 * Splits an axis (the first by default) into parts, as `torch.split`.
 *
 * @param sizes the length of each part, which add up to that of the axis; or one length for all parts, of which the
 *   last one may be shorter
 */
export const split = checked(
  'split',
  { x: kinds.tensor, sizes: kinds.axes, axis: optional(kinds.axis) },
  (x: Tensor, sizes: number | readonly number[], axis = 0): Tensor[] => {
    const over = normaliseAxis('split', axis, x.ndim);
    const length = elementAt(x.shape, over);
    if (typeof sizes === 'number') {
      requireInteger('split', 'size', sizes, { min: length === 0 ? 0 : 1 });
      const count = Math.max(1, Math.ceil(length / (sizes || 1)));
      return Array.from({ length: count }, (_, i) =>
        sliceAxis(x, over, i * sizes, Math.min(length, (i + 1) * sizes)),
      );
    }
    for (const size of sizes) requireInteger('split', 'each size', size, { min: 0 });
    if (sizes.reduce((a, b) => a + b, 0) !== length) {
      throw invalid('split', `sizes must add up to the ${length} elements of axis ${axis}`, sizes);
    }
    let from = 0;
    return sizes.map((size) => {
      const start = from;
      from += size;
      return sliceAxis(x, over, start, from);
    });
  },
);

/**
 * Splits an axis (the first by default) into at most `count` parts of equal length, the last of which may be shorter,
 * as `torch.chunk`.
 */
export const chunk = checked(
  'chunk',
  { x: kinds.tensor, count: kinds.count, axis: optional(kinds.axis) },
  (x: Tensor, count: number, axis = 0): Tensor[] => {
    const over = normaliseAxis('chunk', axis, x.ndim);
    return split(x, Math.max(1, Math.ceil(elementAt(x.shape, over) / count)), over);
  },
);

/**
 * The slice of a tensor at one index of each of the leading axes, which are dropped: `at(x, 0)` is PyTorch's `x[0]`,
 * and `at(x, -1, 2)` its `x[-1, 2]`.
 */
export const at = checked(
  'at',
  { x: kinds.tensor, indices: rest(kinds.axis) },
  (x: Tensor, ...indices: number[]): Tensor => {
    if (indices.length > x.ndim) throw invalid('at', `at most ${x.ndim} indices`, indices.length);
    return indices.reduce<Tensor>((rest, index) => {
      const length = elementAt(rest.shape, 0);
      requireInteger('at', `index into ${formatShape(rest.shape)}`, index, { min: -length, max: length - 1 });
      const place = index < 0 ? index + length : index;
      return squeeze(slice(rest, [[place, place + 1]]), 0);
    }, x);
  },
);

/** Repeats a tensor `repeats[i]` times along axis `i`, as `torch.tile`; axes that either lacks are added in front. */
export const tile = checked(
  'tile',
  { x: kinds.tensor, repeats: oneByOne },
  (x: Tensor, ...given: OneByOne): Tensor => {
    const repeats = inOneList('tile', 'repeats', given);
    for (const count of repeats) requireInteger('tile', 'each of repeats', count, { min: 0 });
    const rank = Math.max(repeats.length, x.ndim);
    const shape = [...new Array<number>(rank - x.ndim).fill(1), ...x.shape];
    const counts = [...new Array<number>(rank - repeats.length).fill(1), ...repeats];
    const apart = shape.flatMap((d) => [1, d]);
    const wide = shape.flatMap((d, i) => [elementAt(counts, i), d]);
    return reshape(
      expand(reshape(x, apart), wide),
      shape.map((d, i) => d * elementAt(counts, i)),
    );
  },
);

/**
 * Repeats each slice of an axis `count` times in place, as `torch.repeat_interleave`; without an axis, each element of
 * the flattened tensor.
 */
export const repeatInterleave = checked(
  'repeatInterleave',
  { x: kinds.tensor, count: kinds.index, axis: optional(kinds.axis) },
  (x: Tensor, count: number, axis?: number): Tensor => {
    if (axis === undefined) return repeatInterleave(reshape(x, [x.size]), count, 0);
    const over = normaliseAxis('repeatInterleave', axis, x.ndim);
    const after = x.shape.slice(over + 1);
    const wide = [...x.shape.slice(0, over + 1), count, ...after];
    const merged = x.shape.with(over, elementAt(x.shape, over) * count);
    return reshape(expand(unsqueeze(x, over + 1), wide), merged);
  },
);
