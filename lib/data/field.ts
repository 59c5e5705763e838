import { type Kind, kind } from '../graph/arguments/kind.js';
import * as kinds from '../graph/arguments/kinds.js';
import { type Options, optionsOf } from '../graph/arguments/options.js';
import {
  allocate,
  type DType,
  findDType,
  isFloat,
  type TensorData,
  type TypedArray,
} from '../graph/dtype.js';
import { type ChainruleError, formatShape, invalid } from '../graph/errors.js';
import { dtypeFor, type NumberArray, storedArray } from '../graph/number-arrays.js';
import { type Shape, sameShape, sizeOf } from '../graph/shapes.js';
import { addon, type FileHandle } from '../runtime/addon.js';
import { MappedField } from './mapped-field.js';
import { fromNested, type Nested } from './nested.js';
import { requireStorable } from './storable.js';

/** A column of a data set, such as its inputs: consecutive samples in shared memory, or in a file. */
export interface Field {
  readonly dtype: DType;
  /** Shape of one sample; `[]` for one number per sample. */
  readonly shape: Shape;
  /** Row-major, over a SharedArrayBuffer. Throws if the samples are in a file, which is read on demand. */
  readonly data: TypedArray;
  /** The file that holds the samples, if any. */
  readonly mapped?: FileRows;
}

/** A field, whether it comes from this thread or, as plain data, from another one. */
export const field: Kind<Field> = kind(
  'samples { dtype, shape, data }, or those that mapFile gives',
  (value) => {
    if (typeof value !== 'object' || value === null) return false;
    const { dtype, shape, mapped } = value as Partial<Record<keyof Field, unknown>>;
    if (!kinds.dtype.accepts(dtype) || !kinds.sampleShape.accepts(shape)) return false;
    // The getter of a mapped field throws.
    return typeof mapped === 'object' || ArrayBuffer.isView((value as Partial<Field>).data);
  },
);

/** Location of consecutive samples in a file. */
export interface FileRows {
  readonly path: string;
  /** Offset of the first sample, in bytes. */
  readonly offset: number;
  /** Number of samples. */
  readonly length: number;
  /** The state that the file must have: see `MappedField`. Default: any. */
  readonly stamp?: string;
}

/**
 * Source of a field: nested arrays, one typed array, data with the shape of all samples together, or a field, such as
 * `mapFile` returns.
 */
export type FieldSource = Nested | NumberArray | ArraysWithShape | Field;

/** The samples of a field in one array, and their shape together. */
type ArraysWithShape = Omit<TensorData, 'dtype' | 'data'> & { data: NumberArray; dtype?: DType };

/** The contents are checked by `toField`, which knows what their samples are. */
export const fieldSource: Kind<FieldSource> = {
  ...kind(
    'arrays, a typed array, or { data, shape }',
    (value) => Array.isArray(value) || ArrayBuffer.isView(value) || isMapped(value) || isTensorData(value),
  ),
  explain(op, name, value) {
    if (!(typeof value === 'object' && value !== null && 'then' in value)) return undefined;
    const expected = `${name} must be arrays, a typed array, or { data, shape }; a promise needs await first`;
    return invalid(op, expected, value);
  },
};

/** Options for reading a source. */
export interface FieldOptions {
  /** Shape of one sample. */
  shape?: Shape;
  dtype?: DType;
}

export const fieldOptions: Options<FieldOptions> = optionsOf<FieldOptions>({
  shape: kinds.sampleShape,
  dtype: kinds.dtype,
});

/** Defaults if neither the options nor the source determine these. */
export interface FieldDefaults {
  /** Shape of one sample of a typed array. */
  typedShape?: Shape;
  /** Dtype of a flat list, one number per sample. */
  flatDType: DType;
  /** Dtype of whatever source. */
  dtype?: DType;
}

/**
 * Copies a source into shared memory, or uses it without a copy if it is there already.
 *
 * @param name of the column, for errors
 */
export function toField(
  name: string,
  source: FieldSource,
  options: FieldOptions,
  defaults: FieldDefaults,
): Field {
  const { shape, dtype = defaults.dtype } = options;
  if (isMapped(source)) return fromMapped(name, source, shape, dtype);
  if (ArrayBuffer.isView(source)) return fromTyped(name, source, shape ?? defaults.typedShape, dtype);
  if (!isTensorData(source)) return fromNested(name, source, shape, dtype, defaults.flatDType);
  if (sizeOf(source.shape) !== source.data.length) {
    const expected = `${name} of shape ${formatShape(source.shape)} have ${sizeOf(source.shape)} elements`;
    throw invalid('fromArrays', expected, source.data.length);
  }
  return fromTyped(name, source.data, shape ?? source.shape.slice(1), dtype ?? source.dtype);
}

/** Number of samples of a field. */
export function lengthOf(field: Field): number {
  return field.mapped ? field.mapped.length : field.data.length / sizeOf(field.shape);
}

/**
 * Source from which the addon reads the rows of a field. A thread that received the field from another opens its file
 * again, which must be the same and unchanged.
 */
export function openRows(field: Field): TypedArray | FileHandle {
  const { mapped, dtype, shape } = field;
  if (!mapped) return field.data;
  if (field instanceof MappedField) return field.file;
  const { path, offset, length, stamp = '' } = mapped;
  return addon().mapFile(path, offset, length * sizeOf(shape), dtype, stamp);
}

/** Copies the samples at `indices`, in that order, to the start of `target`. */
export function gatherSamples(field: Field, indices: Int32Array, target: TypedArray): void {
  const size = sizeOf(field.shape);
  if (field.mapped) {
    const rows = openRows(field);
    addon().adviseRows(rows, indices, 0, indices.length, size);
    addon().gatherRows(target, rows, indices, 0, indices.length, size);
    return;
  }
  let position = 0;
  for (const index of indices) {
    // Targets are usually one number per sample, and a subarray costs far more than a number.
    if (size === 1) target[position] = field.data[index] as number;
    else target.set(field.data.subarray(index * size, (index + 1) * size), position);
    position += size;
  }
}

/** Maximum number of elements of a block, unless one sample has more. */
const BLOCK = 2 ** 24;

/** All elements of a field, in order; those of a file in blocks of samples. */
export function* blocksOf(field: Field): Generator<TypedArray, void, undefined> {
  if (!field.mapped) {
    yield field.data;
    return;
  }
  const size = sizeOf(field.shape);
  const rows = Math.max(1, Math.floor(BLOCK / size));
  for (let start = 0; start < field.mapped.length; start += rows) {
    const count = Math.min(rows, field.mapped.length - start);
    const block = allocate(field.dtype, count * size);
    gatherSamples(
      field,
      Int32Array.from({ length: count }, (_, i) => start + i),
      block,
    );
    yield block;
  }
}

function isMapped(source: unknown): source is Field {
  if (typeof source !== 'object' || source === null || !('mapped' in source)) return false;
  const { mapped } = source;
  return typeof mapped === 'object' && mapped !== null && 'path' in mapped;
}

/** True for a source that tells the shape of its samples: `{ data, shape }`, or a mapped file. */
export function isWithShape(source: unknown): boolean {
  return isMapped(source) || isTensorData(source);
}

function fromMapped(name: string, field: Field, shape: Shape | undefined, dtype: DType | undefined): Field {
  if (dtype && dtype !== field.dtype) throw mismatch(name, field.dtype, dtype);
  if (!shape || sameShape(shape, field.shape)) return field;
  throw invalid('fromArrays', `a file of ${name} has its shape already, ${formatShape(field.shape)}`, shape);
}

function isTensorData(source: unknown): source is ArraysWithShape {
  if (typeof source !== 'object' || source === null || !('data' in source) || !('shape' in source))
    return false;
  return ArrayBuffer.isView(source.data) && Array.isArray(source.shape);
}

function fromTyped(
  name: string,
  source: NumberArray,
  shape: Shape | undefined,
  dtype: DType | undefined,
): Field {
  const held = dtypeFor(source);
  if (!held) throw invalid('fromArrays', `${name} must be an array of numbers, as a Float32Array`, source);
  if (!shape) {
    throw invalid('fromArrays', `${name} need the shape of one sample: { ${name}: { shape: [...] } }`);
  }
  const wanted = dtype ?? held;
  const size = sizeOf(shape);
  if (size === 0 || source.length % size !== 0) {
    const expected = `the elements of ${name} must make whole samples of shape ${formatShape(shape)}`;
    throw invalid('fromArrays', expected, `${source.length} elements`);
  }
  const values = storedArray('fromArrays', source, wanted);
  if (wanted !== held && !isFloat(wanted)) {
    values.forEach((value, i) => {
      requireStorable(name, wanted, value, Math.floor(i / size));
    });
  }
  return { dtype: wanted, shape: [...shape], data: share(wanted, values) };
}

function share(dtype: DType, source: TypedArray): TypedArray {
  const asItIs = findDType(source) === (dtype === 'bool' ? 'uint8' : dtype);
  if (asItIs && source.buffer instanceof SharedArrayBuffer) return source;
  const data = allocate(dtype, source.length, { shared: true });
  data.set(source);
  return data;
}

function mismatch(name: string, held: DType, wanted: DType): ChainruleError {
  return invalid('fromArrays', `${name} hold ${held}, and a file is not converted`, wanted);
}
