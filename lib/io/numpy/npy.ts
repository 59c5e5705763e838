import { checked } from '../../graph/arguments/checked.js';
import { wholeOf } from '../byte-source.js';
import type { FileTensor } from '../file-dtypes.js';
import { saveFile } from '../files.js';
import { file, path, tensorData } from '../kinds.js';
import { type RandomAccessFile, withFile } from '../random-access.js';
import type { StoredTensors } from '../stored-tensor.js';
import { tensorBytes } from '../tensor-bytes.js';
import { encodeNpyHeader } from './npy-header.js';
import { storedArray } from './stored-array.js';

/**
 * Reads an array that `numpy.save` wrote: numbers, booleans and complex64 of any byte order, in C or Fortran order, into
 * row-major memory. float16 comes as float32, complex64 as bytes. Object arrays are refused, since they hold pickles,
 * which may run code.
 *
 * @param file its path, or its bytes, which must not change until the promise resolves
 * @throws ChainruleError naming the file for an array of another kind, or a file that is cut short or hostile
 */
export const readNpy = checked(
  'readNpy',
  { file },
  async (file: string | Uint8Array): Promise<FileTensor> =>
    await withFile(file, async (opened) => await (await storedArray(wholeOf(opened))).read()),
);

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

/** The array in an .npy file, whose header is checked, under the name that NumPy gives to an array without one. */
export async function storedInNpy(file: RandomAccessFile): Promise<StoredTensors> {
  return { tensors: new Map([['arr_0', await storedArray(wholeOf(file))]]), metadata: {} };
}

/** The bytes of an .npy file in parts, without a copy. */
export function npyParts(source: string, tensor: FileTensor): [header: Uint8Array, elements: Uint8Array] {
  const elements = tensorBytes(source, tensor);
  return [encodeNpyHeader(source, tensor.dtype, tensor.shape), elements];
}
