import { checked } from '../../graph/arguments/checked.js';
import { invalid } from '../../graph/errors.js';
import type { FileTensor } from '../file-dtypes.js';
import { saveFile } from '../files.js';
import { file, namedValues, path } from '../kinds.js';
import { type RandomAccessFile, withFile } from '../random-access.js';
import { labelOf } from '../safetensors-header.js';
import type { StoredTensor, StoredTensors } from '../stored-tensor.js';
import { zipEntries } from '../zip/entries.js';
import { zipChunks } from '../zip/write.js';
import { npyParts } from './npy.js';
import { storedArray } from './stored-array.js';

const SUFFIX = '.npy';

/**
 * Reads the arrays that `numpy.savez` or `numpy.savez_compressed` wrote, by name, each as `readNpy` does. The object has no
 * prototype, so that any name is an ordinary key.
 *
 * @param file its path, or its bytes, which must not change until the promise resolves
 * @throws ChainruleError naming the file, and the entry, for an array of another kind, or a file that is cut short or
 *   hostile
 */
export const readNpz = checked(
  'readNpz',
  { file },
  async (file: string | Uint8Array): Promise<Record<string, FileTensor>> =>
    await withFile(file, async (opened) => {
      const arrays: Record<string, FileTensor> = Object.create(null);
      for (const [name, tensor] of (await storedInNpz(opened)).tensors) arrays[name] = await tensor.read();
      return arrays;
    }),
);

/**
 * Writes arrays for `numpy.load`, uncompressed and atomically: a reader or a crash sees the old file or the new one. A
 * missing directory is made. The data are written in place, without a copy, so they must not change until the promise
 * resolves.
 *
 * @throws ChainruleError for a dtype that NumPy lacks, data that do not fit the shape, or a name that no archive may have,
 *   as `../a`
 */
export const writeNpz = checked(
  'writeNpz',
  { path, tensors: namedValues<FileTensor>('an object of { dtype, shape, data } by name') },
  async (path: string, tensors: Readonly<Record<string, FileTensor>>): Promise<void> => {
    const members = Object.entries(tensors).map(([name, tensor]) => ({
      name: name + SUFFIX,
      parts: npyParts(labelOf('writeNpz', name), tensor),
    }));
    await saveFile(path, zipChunks('writeNpz', members));
  },
);

/** The arrays in an .npz archive, whose headers are checked. */
export async function storedInNpz(file: RandomAccessFile): Promise<StoredTensors> {
  const tensors = new Map<string, StoredTensor>();
  for (const [name, source] of await zipEntries(file)) {
    if (!name.endsWith(SUFFIX)) throw invalid(source.label, 'an .npz archive has .npy entries alone');
    tensors.set(name.slice(0, -SUFFIX.length), await storedArray(source));
  }
  return { tensors, metadata: {} };
}
