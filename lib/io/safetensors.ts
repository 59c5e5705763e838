import { checked } from '../graph/arguments/checked.js';
import { optional } from '../graph/arguments/kind.js';
import { allocateStored, type FileTensor, fileTensor } from './file-dtypes.js';
import { saveFile } from './files.js';
import { file, namedValues, path } from './kinds.js';
import { type RandomAccessFile, withFile } from './random-access.js';
import {
  decodeHeader,
  decodeHeaderLength,
  encodeHeader,
  LENGTH_BYTES,
  labelOf,
  type SafetensorsHeader,
  type TensorEntry,
} from './safetensors-header.js';
import type { StoredTensor, StoredTensors } from './stored-tensor.js';
import { bytesOf, tensorBytes } from './tensor-bytes.js';

export type { SafetensorsHeader, TensorEntry } from './safetensors-header.js';

/** Contents of a safetensors file. Both objects have no prototype, so that any name is an ordinary key. */
export interface SafetensorsContent {
  tensors: Record<string, FileTensor>;
  metadata: Record<string, string>;
}

/**
 * The bytes of a safetensors file (https://huggingface.co/docs/safetensors). Wide dtypes come first, so that each
 * tensor is aligned to its elements; otherwise the order is that of `tensors`.
 *
 * @throws ChainruleError naming a tensor whose data do not fit its dtype or shape
 */
export function encode(
  tensors: Readonly<Record<string, FileTensor>>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const parts = encodeChunks(tensors, metadata);
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let position = 0;
  for (const part of parts) {
    bytes.set(part, position);
    position += part.length;
  }
  return bytes;
}

/**
 * Writes a safetensors file atomically: a reader or a crash sees the old file or the new one. A missing directory is
 * made. The data are written in place, without a copy, so they must not change until the promise resolves.
 */
export const writeSafetensors = checked(
  'writeSafetensors',
  {
    path,
    tensors: namedValues<FileTensor>('an object of { dtype, shape, data } by name'),
    metadata: optional(namedValues<string>('an object of strings by name')),
  },
  async (
    path: string,
    tensors: Readonly<Record<string, FileTensor>>,
    metadata: Readonly<Record<string, string>> = {},
  ): Promise<void> => {
    await saveFile(path, encodeChunks(tensors, metadata));
  },
);

/**
 * Reads a safetensors file, each tensor into its own memory. F16, BF16 and F8 come as float32; integers that tensors lack in
 * their typed arrays, as a BigInt64Array for I64; what JavaScript has no array for, as F4 and C64, as bytes.
 *
 * @param file its path, or its bytes, which must not change until the promise resolves
 * @throws ChainruleError naming the file, and the tensor, if the file is cut short or hostile
 */
export const readSafetensors = checked(
  'readSafetensors',
  { file },
  async (file: string | Uint8Array): Promise<SafetensorsContent> =>
    await withFile(file, async (opened) => {
      const { tensors, metadata } = await storedInSafetensors(opened);
      const content: SafetensorsContent = { tensors: Object.create(null), metadata };
      for (const [name, tensor] of tensors) content.tensors[name] = await tensor.read();
      return content;
    }),
);

/** The tensors in a safetensors file, whose header is checked. */
export async function storedInSafetensors(
  file: RandomAccessFile,
): Promise<StoredTensors & { metadata: Record<string, string> }> {
  const { tensors, metadata, dataStart } = await readHeader(file);
  return {
    tensors: new Map(tensors.map((entry) => [entry.name, storedTensor(file, dataStart, entry)])),
    metadata,
  };
}

function storedTensor(file: RandomAccessFile, dataStart: number, entry: TensorEntry): StoredTensor {
  const { name, dtype, shape, begin, end } = entry;
  const readInto = (target: Uint8Array) => file.read(target, dataStart + begin);
  return {
    dtype,
    shape,
    readInto,
    async read() {
      const stored = allocateStored(dtype, end - begin);
      await readInto(bytesOf(stored));
      return fileTensor(labelOf(file.label, name), dtype, shape, stored);
    },
  };
}

/**
 * Reads and checks names, dtypes, shapes and metadata of a safetensors file, without reading its data.
 *
 * @param file its path, or its bytes
 */
export const readSafetensorsHeader = checked(
  'readSafetensorsHeader',
  { file },
  async (file: string | Uint8Array): Promise<SafetensorsHeader> => await withFile(file, readHeader),
);

async function readHeader(file: RandomAccessFile): Promise<SafetensorsHeader> {
  const { label, size } = file;
  const prefix = new Uint8Array(Math.min(LENGTH_BYTES, size));
  await file.read(prefix, 0);
  const json = new Uint8Array(decodeHeaderLength(label, prefix, size));
  await file.read(json, LENGTH_BYTES);
  return decodeHeader(label, json, size - LENGTH_BYTES - json.length);
}

/**
 * The bytes of a safetensors file in parts: the header, then the data of each tensor, without a copy. Wide dtypes
 * come first.
 */
export function encodeChunks(
  tensors: Readonly<Record<string, FileTensor>>,
  metadata: Readonly<Record<string, string>>,
): Uint8Array[] {
  const sorted = Object.entries(tensors)
    .map(([name, tensor]) => ({ name, tensor, bytes: tensorBytes(labelOf('safetensors', name), tensor) }))
    .sort((a, b) => b.tensor.data.BYTES_PER_ELEMENT - a.tensor.data.BYTES_PER_ELEMENT);
  const entries: TensorEntry[] = [];
  let end = 0;
  for (const { name, tensor, bytes } of sorted) {
    const begin = end;
    end += bytes.length;
    entries.push({ name, dtype: tensor.dtype, shape: [...tensor.shape], begin, end });
  }
  return [encodeHeader(entries, metadata), ...sorted.map(({ bytes }) => bytes)];
}
