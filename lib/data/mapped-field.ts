import type { DType, TypedArray } from '../graph/dtype.js';
import { invalid } from '../graph/errors.js';
import { type Shape, sizeOf } from '../graph/shapes.js';
import { addon, type FileHandle } from '../runtime/addon.js';
import type { Field, FileRows } from './field.js';

/**
 * Samples in a file that is mapped: they are read as they are needed, through memory of the system that all threads and
 * processes share and that it takes back where it is short, so a file may be larger than the memory. The file must not
 * change while it is in use. `mapFile`, `mapIdx` and `mapSafetensors` make it.
 */
export class MappedField implements Field {
  readonly dtype: DType;
  readonly shape: Shape;
  readonly mapped: FileRows;
  readonly #file: FileHandle;

  /** @throws Error naming the file when it is missing, is no regular file, or ends before the samples do */
  constructor(dtype: DType, shape: Shape, mapped: FileRows) {
    this.dtype = dtype;
    this.shape = shape;
    this.mapped = mapped;
    this.#file = addon.mapFile(mapped.path, mapped.offset, mapped.length * sizeOf(shape), dtype);
  }

  get data(): TypedArray {
    throw invalid('data', 'the samples are not in memory; subset() copies them there', this.mapped.path);
  }

  /** The mapping of the thread that made this. */
  get file(): FileHandle {
    return this.#file;
  }

  /** The first `n` samples, or all if there are fewer. */
  take(n: number): MappedField {
    const length = Math.min(n, this.mapped.length);
    return new MappedField(this.dtype, this.shape, { ...this.mapped, length });
  }

  /**
   * Gives the memory back at once, which else happens when nothing refers to this any more. What is read afterwards is an
   * error; workers that train have a mapping of their own, until they end.
   */
  close(): void {
    addon.unmapFile(this.#file);
  }
}
