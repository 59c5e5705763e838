import { checked } from '../../graph/arguments/checked.js';
import { fileSource } from '../byte-source.js';
import type { FileTensor } from '../file-dtypes.js';
import { saveFile } from '../files.js';
import { path, tensorData } from '../kinds.js';
import { openToRead } from '../regular-file.js';
import type { StoredTensor, StoredTensors } from '../stored-tensor.js';
import { tensorBytes } from '../tensor-bytes.js';
import { encodeNpyHeader } from './npy-header.js';
import { storedArray } from './stored-array.js';

/**
 * Reads an array that `numpy.save` wrote: numbers, booleans and complex64 of any byte order, in C or Fortran order, into
 * row-major memory. float16 comes as float32, complex64 as bytes. Object arrays are refused, since they hold pickles,
 * which may run code.
 *
 * @throws ChainruleError naming the file for an array of another kind, or a file that is cut short or hostile
 */
export const readNpy = checked('readNpy', { path }, async (path: string): Promise<FileTensor> => {
  const { array, close } = await openArray(path);
  try {
    return await array.read();
  } finally {
    await close();
  }
});

/**
 * Writes an array for `numpy.load`, atomically: a reader or a crash sees the old file or the new one. A missing directory
 * is made. The bytes are those that `numpy.save` writes. The data are written in place, without a copy, so they must not
 * change until the promise resolves.
 *
 * @throws ChainruleError for a dtype that NumPy lacks, or data that do not fit the shape
 */
export const writeNpy = checked(
  'writeNpy',
  { path, tensor: tensorData },
  async (path: string, tensor: FileTensor): Promise<void> => {
    await saveFile(path, npyParts('writeNpy', tensor));
  },
);

/** Opens an .npy file whose header has been checked, as a file of one tensor, with the name that NumPy gives to an array without one. */
export async function openNpy(path: string): Promise<StoredTensors> {
  const { array, close } = await openArray(path);
  return { tensors: new Map([['arr_0', array]]), metadata: {}, close };
}

async function openArray(path: string): Promise<{ array: StoredTensor; close: () => Promise<void> }> {
  const file = await openToRead(path);
  try {
    const { size } = await file.stat();
    return { array: await storedArray(fileSource(path, file, size)), close: () => file.close() };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** The bytes of an .npy file in parts, without a copy. */
export function npyParts(source: string, tensor: FileTensor): [header: Uint8Array, elements: Uint8Array] {
  const elements = tensorBytes(source, tensor);
  return [encodeNpyHeader(source, tensor.dtype, tensor.shape), elements];
}
