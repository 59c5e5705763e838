import type { DType, TypedArray } from '../graph/dtype.js';
import { type Shape, sameShape } from '../graph/shapes.js';
import type { FileTensor } from '../io/file-dtypes.js';
import { type Axes, permute } from '../nn/state/axes.js';
import { convert } from '../nn/state/conversion.js';
import type { Arrangement } from './arrangements.js';
import { type Difference, differenceOf } from './differences.js';

/** A recorded tensor in the order of our axes. */
export interface Aligned {
  readonly shape: Shape;
  readonly data: TypedArray;
}

/** The orders that a recording may have: ours, with the channels in front, or with the time in front of the samples. */
function orders(rank: number, arrangement: Arrangement | undefined): Axes[] {
  const places = Array.from({ length: rank }, (_, axis) => axis);
  if (rank < 3) return rank === 2 ? [places, [1, 0]] : [places];
  const first = [0, ...places.slice(2), 1];
  const time = [1, 0, ...places.slice(2)];
  return arrangement === 'channelsFirst' ? [first, places, time] : [places, first, time];
}

/**
 * A recorded output as the values of ours. The layer's arrangement decides; where it has none, and several orders fit, the
 * one that is nearer does. If none fits, the recording keeps its shape, in the most likely order.
 */
export function align(
  name: string,
  recorded: FileTensor,
  shape: Shape,
  ours: TypedArray,
  dtype: DType,
  arrangement: Arrangement | undefined,
): Aligned & { readonly found?: Difference } {
  const values =
    recorded.dtype === dtype ? (recorded.data as TypedArray) : convert(name, recorded.data, dtype);
  const all = orders(recorded.shape.length, arrangement);
  const inOrder = (axes: Axes): Aligned => ({
    shape: axes.map((axis) => recorded.shape[axis] as number),
    data: reordered(values, recorded.shape, axes),
  });
  const fitting = all.filter((axes) =>
    fits(
      axes.map((axis) => recorded.shape[axis] as number),
      shape,
    ),
  );
  const [first, second] = fitting;
  if (!first) return inOrder(all[0] as Axes);
  const compared = (axes: Axes) => {
    const { data } = inOrder(axes);
    return { shape, data, found: differenceOf(ours, data) };
  };
  const best = compared(first);
  if (arrangement || !second) return best;
  const other = compared(second);
  return other.found.difference < best.found.difference ? other : best;
}

/** True if shapes agree but for axes of length 1, as those that a pooling keeps or not. */
function fits(found: Shape, wanted: Shape): boolean {
  if (found.length === wanted.length) return sameShape(found, wanted);
  const long = (shape: Shape) => shape.filter((length) => length !== 1);
  return sameShape(long(found), long(wanted));
}

/** Values with their axes in another order. */
export function reordered(values: TypedArray, shape: Shape, axes: Axes): TypedArray {
  if (axes.every((axis, i) => axis === i)) return values;
  const target = values.slice();
  permute(values, shape, axes, target);
  return target;
}

/** An input of a model: floats in the model's dtype, wide integers as int32. */
export function asInput(
  name: string,
  { dtype, data }: FileTensor,
  float: 'float32' | 'float64',
): { readonly data: TypedArray; readonly dtype: DType } {
  const to = inputDType(dtype, float);
  return { dtype: to, data: to === dtype ? (data as TypedArray) : convert(name, data, to) };
}

function inputDType(dtype: FileTensor['dtype'], float: 'float32' | 'float64'): DType {
  if (dtype === 'float32' || dtype === 'float64') return float;
  return dtype === 'uint8' || dtype === 'bool' || dtype === 'int32' ? dtype : 'int32';
}
