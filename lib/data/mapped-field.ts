import { checkMethods, requireArguments } from '../graph/arguments/checked.js';
import * as kinds from '../graph/arguments/kinds.js';
import { needed, optionsOf } from '../graph/arguments/options.js';
import type { DType, TypedArray } from '../graph/dtype.js';
import { invalid } from '../graph/errors.js';
import { type Shape, sizeOf } from '../graph/shapes.js';
import { addon, type FileHandle } from '../runtime/addon.js';
import type { Field, FileRows } from './field.js';

const mappedKinds = {
  dtype: kinds.dtype,
  shape: kinds.sampleShape,
  mapped: optionsOf<FileRows>({
    path: needed(kinds.string),
    offset: needed(kinds.index),
    length: needed(kinds.count),
  }),
};

/**
 * Samples in a mapped file. They are read on demand through the system's page cache, which all threads and processes
 * share and which shrinks when memory is short, so a file may be larger than the memory. The file must not change
 * while it is in use. Created by `mapFile`, `mapIdx` and `mapSafetensors`.
 */
export class MappedField implements Field {
  readonly dtype: DType;
  readonly shape: Shape;
  readonly mapped: FileRows;
  readonly #file: FileHandle;

  /** @throws Error naming the file if it is missing, is not a regular file, or ends before the samples do */
  constructor(dtype: DType, shape: Shape, mapped: FileRows, ...surplus: []) {
    requireArguments('MappedField', mappedKinds, [dtype, shape, mapped, ...surplus]);
    this.dtype = dtype;
    this.shape = shape;
    this.mapped = mapped;
    this.#file = addon().mapFile(mapped.path, mapped.offset, mapped.length * sizeOf(shape), dtype);
  }

  get data(): TypedArray {
    throw invalid('data', 'the samples are not in memory; subset() copies them there', this.mapped.path);
  }

  /** The mapping of the thread that created this field. */
  get file(): FileHandle {
    return this.#file;
  }

  /** The first `n` samples, or all if there are fewer. */
  take(n: number): MappedField {
    const length = Math.min(n, this.mapped.length);
    return new MappedField(this.dtype, this.shape, { ...this.mapped, length });
  }

  /**
   * Frees the mapping at once, instead of when nothing refers to this any more. Later reads are an error; workers in
   * training have their own mapping until they end.
   */
  close(): void {
    addon().unmapFile(this.#file);
  }
}

checkMethods(MappedField, { take: { n: kinds.count }, close: {} });
