import { checked } from '../../graph/arguments/checked.js';
import { file } from '../kinds.js';
import { type RandomAccessFile, withFile } from '../random-access.js';
import { labelOf } from '../safetensors-header.js';
import type { StoredTensor, StoredTensors } from '../stored-tensor.js';
import { readArchive, type TorchArchive } from './archive.js';
import { requireBounded } from './bounds.js';
import { toPlain } from './plain.js';
import { stateDictOf } from './state-dict.js';
import type { TorchTensor } from './tensor.js';

/**
 * Reads what `torch.save` wrote (since PyTorch 1.6): tensors, and plain data of Python around them. Nothing in a file is
 * run: what is neither, as an object of a class, is refused by its name.
 *
 * | Python | JavaScript |
 * |---|---|
 * | tensor, parameter | `{ dtype, shape, data }` with row-major elements, halves as float32 |
 * | dict, OrderedDict, Counter, defaultdict | an object without a prototype if all keys are text, otherwise a Map |
 * | list, tuple, torch.Size | an array |
 * | set, frozenset | a Set |
 * | int, float | a number; an integer beyond 2^53 is a BigInt |
 * | str, bool, None | a string, a boolean, null |
 * | bytes, bytearray | a Uint8Array |
 * | torch.dtype, torch.device | their texts, as `'torch.float32'` and `'cuda:0'` |
 *
 * Tensors of the same elements are one object.
 *
 * @param file its path, or its bytes, which must not change until the promise resolves
 * @throws ChainruleError naming the file and the place in it, for other contents, or a file that is cut short or hostile
 */
export const readTorch = checked(
  'readTorch',
  { file },
  async (file: string | Uint8Array): Promise<unknown> =>
    await withFile(file, async (opened) => {
      const { root, elements, label } = await readArchive(opened);
      return await toPlain(label, root, elements);
    }),
);

/**
 * The tensors of the state dict in a file of `torch.save`.
 *
 * @param key the key that the state dict has in what was saved, unless it is the whole, or has a usual one: `state_dict`,
 *   `model_state_dict` or `model`
 * @throws ChainruleError naming the file, also if there is no state dict
 */
export async function storedInTorch(file: RandomAccessFile, key?: string): Promise<StoredTensors> {
  const archive = await readArchive(file);
  const { root, label, pickleBytes } = archive;
  const found = stateDictOf(label, root, key, pickleBytes);
  requireBounded(label, found.values());
  const tensors = new Map<string, StoredTensor>();
  for (const [name, tensor] of found) tensors.set(name, stored(labelOf(file.label, name), archive, tensor));
  return { tensors, metadata: {} };
}

function stored(label: string, { elements }: TorchArchive, tensor: TorchTensor): StoredTensor {
  return {
    dtype: tensor.dtype,
    shape: tensor.layout.shape,
    readInto: (target) => elements.readInto(tensor, target),
    read: () => elements.read(label, tensor),
  };
}
