import { toNamespacedPath } from 'node:path';
import { checkMethods, requireArguments } from '../graph/arguments/checked.js';
import * as kinds from '../graph/arguments/kinds.js';
import { needed, optionsOf } from '../graph/arguments/options.js';
import type { DType, TypedArray } from '../graph/dtype.js';
import { invalid } from '../graph/errors.js';
import { type Shape, sizeOf } from '../graph/shapes.js';
import { addon, type FileHandle } from '../runtime/addon.js';
import type { Field, FileRows } from './field.js';

/** Characters of a path, with the end, that Windows takes as it is. */
const MAX_PATH = 260;

const mappedKinds = {
  dtype: kinds.dtype,
  shape: kinds.sampleShape,
  mapped: optionsOf<FileRows>({
    path: needed(kinds.string),
    offset: needed(kinds.index),
    length: needed(kinds.count),
    stamp: kinds.string,
  }),
};

/**
 * Samples in a mapped file. They are read on demand through the system's page cache, which all threads and processes
 * share and which shrinks when memory is short, so a file may be larger than the memory. The file must not change
 * while it is in use: where it is cut short, written to or replaced, the next read is an error. Created by `mapFile`, `mapIdx` and `mapSafetensors`.
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
    const { path, offset, length, stamp = '' } = mapped;
    // Windows takes longer paths in another form only.
    const known = path.length < MAX_PATH ? path : toNamespacedPath(path);
    this.#file = addon().mapFile(known, offset, length * sizeOf(shape), dtype, stamp);
    this.mapped = { ...mapped, stamp: addon().fileStamp(this.#file) };
  }

  get data(): TypedArray {
    throw invalid('data', 'the samples are not in memory; subset() copies them there', this.mapped.path);
  }

  /** The open file of the thread that created this field. */
  get file(): FileHandle {
    return this.#file;
  }

  /** The first `n` samples, or all if there are fewer. */
  take(n: number): MappedField {
    const length = Math.min(n, this.mapped.length);
    return new MappedField(this.dtype, this.shape, { ...this.mapped, length });
  }

  /**
   * Closes the file at once, instead of when nothing refers to this any more. Later reads are an error; workers in
   * training have opened it themselves until they end.
   */
  close(): void {
    addon().unmapFile(this.#file);
  }
}

checkMethods(MappedField, { take: { n: kinds.count }, close: {} });
