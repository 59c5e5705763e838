import type { FileDType, FileTensor } from './file-dtypes.js';

/** A tensor in a file or an object, whose elements have not been read yet. */
export interface StoredTensor {
  readonly dtype: FileDType;
  readonly shape: readonly number[];
  /** Reads the elements into memory of their own. */
  read(): Promise<FileTensor>;
  /**
   * Reads the elements into the memory of a tensor of the same dtype and shape, without another copy where the format
   * allows it.
   */
  readInto?(target: Uint8Array): Promise<void>;
}

/** Named tensors of a file, or of several that belong together. They are read while it is open. */
export interface StoredTensors {
  /** In the order of the file. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** Free text that stands with them. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** Named tensors with the files that they are in. */
export interface OpenTensors extends StoredTensors {
  /** Closes the files. */
  close(): Promise<void>;
}

/** Tensors in memory, as those of a file are given. */
export function inMemory(tensors: Readonly<Record<string, FileTensor>>): Map<string, StoredTensor> {
  return new Map(
    Object.entries(tensors).map(([name, tensor]) => [
      name,
      { dtype: tensor.dtype, shape: tensor.shape, read: async () => tensor },
    ]),
  );
}
