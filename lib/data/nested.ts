import { allocate, type DType, type TypedArray } from '../graph/dtype.js';
import { type ChainruleError, formatShape, invalid } from '../graph/errors.js';
import { dtypeFor, type NumberArray, storedArray } from '../graph/number-arrays.js';
import { type Shape, sameShape, sizeOf } from '../graph/shapes.js';
import type { Field } from './field.js';
import { requireStorable } from './storable.js';

/** Samples as arrays nested to any depth, all of one shape; the innermost arrays may be typed. */
export type Nested = readonly (number | NumberArray | Nested)[];

type Item = number | NumberArray | Nested | undefined;

/**
 * Copies nested arrays into shared memory. The dtype is the first of: the one requested, that of the typed arrays
 * within, `flatDType` for one number per sample, float32.
 */
export function fromNested(
  name: string,
  source: Nested,
  shape: Shape | undefined,
  dtype: DType | undefined,
  flatDType: DType,
): Field {
  const found = shapeOf(source[0]);
  const size = sizeOf(found);
  if (shape && sizeOf(shape) !== size) {
    const expected = `each sample of ${name} must fill shape ${formatShape(shape)}`;
    throw invalid('fromArrays', expected, formatShape(found));
  }
  if (size === 0) throw invalid('fromArrays', `the samples of ${name} must not be empty`, formatShape(found));
  const wanted = dtype ?? leafDType(source[0]) ?? (found.length === 0 ? flatDType : 'float32');
  const data = allocate(wanted, source.length * size, { shared: true });
  const isGuess = dtype === undefined && wanted === 'int32';
  copySamples(name, source, found, wanted, data, isGuess ? `; for real numbers give ${name} a dtype` : '');
  return { dtype: wanted, shape: [...(shape ?? found)], data };
}

/** More than any model needs; an array that holds itself has no end. */
const MOST_AXES = 64;

/** The shape along the first elements, with which all others are compared. */
function shapeOf(sample: Item, depth = 0): number[] {
  if (depth > MOST_AXES) throw invalid('fromArrays', `samples may be nested ${MOST_AXES} deep`, sample);
  if (ArrayBuffer.isView(sample)) return [sample.length];
  return Array.isArray(sample) ? [sample.length, ...shapeOf(sample[0], depth + 1)] : [];
}

function leafDType(sample: Item): DType | undefined {
  return Array.isArray(sample) ? leafDType(sample[0]) : dtypeFor(sample);
}

function copySamples(
  name: string,
  source: Nested,
  shape: Shape,
  dtype: DType,
  data: TypedArray,
  hint: string,
): void {
  let position = 0;
  const copy = (item: Item, axis: number, index: number): void => {
    const isView = ArrayBuffer.isView(item);
    if (isView || Array.isArray(item)) {
      if (item.length !== shape[axis] || (isView && axis !== shape.length - 1))
        throw ragged(name, index, source, shape);
      const values = isView ? storedArray('fromArrays', item, dtype) : item;
      if (isView && dtypeFor(item) === dtype) {
        data.set(values as TypedArray, position);
        position += item.length;
      } else for (const value of values) copy(value, axis + 1, index);
      return;
    }
    requireStorable(name, dtype, item, index, hint);
    if (axis !== shape.length) throw ragged(name, index, source, shape);
    data[position++] = item;
  };
  // Not forEach, which would skip the holes of a sparse array.
  for (let index = 0; index < source.length; index++) copy(source[index], 0, index);
}

function ragged(name: string, index: number, source: Nested, shape: Shape): ChainruleError {
  const found = shapeOf(source[index]);
  const got = sameShape(found, shape) ? 'a ragged array' : formatShape(found);
  return invalid('fromArrays', `sample ${index} of ${name} must have shape ${formatShape(shape)}`, got);
}
