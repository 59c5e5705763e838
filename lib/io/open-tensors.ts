import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { isRecord } from '../graph/arguments/is-record.js';
import { failed, invalid } from '../graph/errors.js';
import { isMissing } from './is-missing.js';
import { openFile, type RandomAccessFile } from './random-access.js';
import { storedInSafetensors } from './safetensors.js';
import { storedIn } from './stored-in.js';
import type { OpenTensors, StoredTensor, StoredTensors } from './stored-tensor.js';

const INDEX = 'model.safetensors.index.json';
const WHOLE = 'model.safetensors';

/**
 * Opens the tensors of a model: a safetensors file, the index of one in several files, or a folder with either, as Hugging
 * Face lays models out; a state dict that `torch.save` wrote; NumPy's .npz and .npy; or the bytes of a single file.
 *
 * @throws ChainruleError naming the file if it is damaged or hostile
 */
export async function openTensors(file: string | Uint8Array): Promise<OpenTensors> {
  if (typeof file === 'string') {
    if ((await stat(file)).isDirectory()) return await openFolder(file);
    if (file.endsWith('.json')) return await openShards(file);
  }
  return await openSingle(file, storedIn);
}

/** Opens a file, which is closed if its tensors cannot be read. */
async function openSingle(
  file: string | Uint8Array,
  stored: (file: RandomAccessFile) => Promise<StoredTensors>,
): Promise<OpenTensors> {
  const opened = await openFile(file);
  const close = () => opened.close();
  try {
    return { ...(await stored(opened)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function openFolder(path: string): Promise<OpenTensors> {
  for (const [name, open] of [
    [INDEX, openShards],
    [WHOLE, openSafetensors],
  ] as const) {
    const file = join(path, name);
    try {
      await stat(file);
    } catch (error) {
      if (isMissing(error)) continue;
      throw error;
    }
    return await open(file);
  }
  throw invalid(path, `must be a regular file, or a folder with ${WHOLE} or ${INDEX}`, 'a directory');
}

const openSafetensors = (path: string) => openSingle(path, storedInSafetensors);

/** Opens the files that an index names, each of which has to have the tensors that the index finds there. */
async function openShards(path: string): Promise<OpenTensors> {
  const places = await readIndex(path);
  const files = new Map<string, OpenTensors>();
  const close = async () => void (await Promise.all([...files.values()].map((file) => file.close())));
  try {
    for (const name of new Set(places.values()))
      files.set(name, await openSafetensors(join(dirname(path), name)));
    const tensors = new Map<string, StoredTensor>();
    for (const [tensor, name] of places) {
      const found = files.get(name)?.tensors.get(tensor);
      if (!found) throw invalid(path, `${name} must have the tensor ${tensor}`);
      tensors.set(tensor, found);
    }
    return { tensors, metadata: {}, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Which file has each tensor. */
async function readIndex(path: string): Promise<Map<string, string>> {
  let index: unknown;
  try {
    index = JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw failed('ERR_CHAINRULE_INVALID', path, 'the index is not valid JSON', { cause });
  }
  const places = isRecord(index) ? index.weight_map : undefined;
  if (!isRecord(places))
    throw invalid(path, 'the index must have a record weight_map of files by tensor', places);
  for (const [tensor, name] of Object.entries(places)) {
    // Files beside the index only: a path could lead anywhere.
    if (typeof name !== 'string' || name !== basename(name) || !name.endsWith('.safetensors'))
      throw invalid(
        path,
        `weight_map.${tensor} must be the name of a .safetensors file beside the index`,
        name,
      );
  }
  return new Map(Object.entries(places) as [string, string][]);
}
