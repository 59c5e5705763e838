import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { isRecord } from '../graph/arguments/is-record.js';
import { failed, invalid } from '../graph/errors.js';
import { isMissing } from './is-missing.js';
import { openNpy } from './numpy/npy.js';
import { openNpz } from './numpy/npz.js';
import { openToRead } from './regular-file.js';
import { decode, openSafetensors } from './safetensors.js';
import { inMemory, type StoredTensor, type StoredTensors } from './stored-tensor.js';
import { openTorch } from './torch/torch.js';

const INDEX = 'model.safetensors.index.json';
const WHOLE = 'model.safetensors';

const NUMPY = '\x93NUMPY';
const ZIP = 'PK\x03\x04';
/** What `torch.save` wrote before archives, which is refused with what to do. */
const PICKLE = '\x80\x02';
/** Bytes that tell what a file is. */
const BEGIN = 4096;

/**
 * Opens the tensors of a model: a safetensors file, the index of one in several files, or a folder with either, as Hugging
 * Face lays models out; a state dict that `torch.save` wrote; NumPy's .npz and .npy. What a file is, its first bytes say.
 *
 * @throws ChainruleError naming the file if it is damaged or hostile
 */
export async function openTensors(path: string): Promise<StoredTensors> {
  if ((await stat(path)).isDirectory()) return await openFolder(path);
  if (path.endsWith('.json')) return await openShards(path);
  const begin = await beginOf(path);
  if (begin.startsWith(NUMPY)) return await openNpy(path);
  if (!begin.startsWith(ZIP))
    return begin.startsWith(PICKLE) ? await openTorch(path) : await openSafetensors(path);
  const nameLength = begin.charCodeAt(26) + 256 * begin.charCodeAt(27);
  return begin.slice(30, 30 + nameLength).endsWith('.npy') ? await openNpz(path) : await openTorch(path);
}

/** The first bytes of a file, each as a character: those of a zip archive have the name of its first entry. */
async function beginOf(path: string): Promise<string> {
  const file = await openToRead(path);
  try {
    const bytes = new Uint8Array(BEGIN);
    const { bytesRead } = await file.read(bytes, 0, BEGIN, 0);
    return Buffer.from(bytes.subarray(0, bytesRead)).toString('latin1');
  } finally {
    await file.close();
  }
}

/** The tensors in the bytes of a safetensors file. */
export function tensorsOf(bytes: Uint8Array): StoredTensors {
  const { tensors, metadata } = decode(bytes, 'the file in memory');
  return { tensors: inMemory(tensors), metadata, close: async () => {} };
}

async function openFolder(path: string): Promise<StoredTensors> {
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

/** Opens the files that an index names, each of which has to have the tensors that the index finds there. */
async function openShards(path: string): Promise<StoredTensors> {
  const places = await readIndex(path);
  const files = new Map<string, StoredTensors>();
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
