import { wholeOf } from './byte-source.js';
import { storedInNpy } from './numpy/npy.js';
import { storedInNpz } from './numpy/npz.js';
import type { RandomAccessFile } from './random-access.js';
import { storedInSafetensors } from './safetensors.js';
import type { StoredTensors } from './stored-tensor.js';
import { storedInTorch } from './torch/torch.js';

const NUMPY = '\x93NUMPY';
const ZIP = 'PK\x03\x04';
/** What `torch.save` wrote before archives, which is refused with what to do. */
const PICKLE = '\x80\x02';
/** Bytes that tell what a file is. */
const BEGIN = 4096;

/** The tensors in a file of any format: safetensors, of `torch.save`, .npz or .npy. Which it is, its first bytes say. */
export async function storedIn(file: RandomAccessFile): Promise<StoredTensors> {
  // Each byte as a character: those of a zip archive have the name of its first entry.
  const begin = Buffer.from(await wholeOf(file).head(BEGIN)).toString('latin1');
  if (begin.startsWith(NUMPY)) return await storedInNpy(file);
  if (begin.startsWith(PICKLE)) return await storedInTorch(file);
  if (!begin.startsWith(ZIP)) return await storedInSafetensors(file);
  const nameLength = begin.charCodeAt(26) + 256 * begin.charCodeAt(27);
  const isNumPy = begin.slice(30, 30 + nameLength).endsWith('.npy');
  return isNumPy ? await storedInNpz(file) : await storedInTorch(file);
}
