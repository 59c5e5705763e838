import type { FileHandle } from 'node:fs/promises';
import { checked } from '../graph/arguments/checked.js';
import { optional } from '../graph/arguments/kind.js';
import { allocateStored, type FileArray, type FileTensor, fileTensor } from './file-dtypes.js';
import { readExactly, saveFile } from './files.js';
import { namedValues, path } from './kinds.js';
import { openToRead } from './regular-file.js';
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
 * Reads the bytes of a safetensors file. Aligned tensors are views of `bytes`, the others are copies.
 *
 * @param source name of the file in errors
 * @throws ChainruleError for bytes that are not a complete and consistent safetensors file
 */
export function decode(bytes: Uint8Array, source = 'safetensors'): SafetensorsContent {
  const headerBytes = decodeHeaderLength(source, bytes, bytes.length);
  const dataStart = LENGTH_BYTES + headerBytes;
  const header = decodeHeader(source, bytes.subarray(LENGTH_BYTES, dataStart), bytes.length - dataStart);
  const content: SafetensorsContent = { tensors: Object.create(null), metadata: header.metadata };
  for (const entry of header.tensors) {
    const part = bytes.subarray(dataStart + entry.begin, dataStart + entry.end);
    const label = labelOf(source, entry.name);
    content.tensors[entry.name] = fileTensor(label, entry.dtype, entry.shape, viewOrCopy(entry, part));
  }
  return content;
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
 * @throws ChainruleError naming the file, and the tensor, if the file is cut short or hostile
 */
export const readSafetensors = checked(
  'readSafetensors',
  { path },
  async (path: string): Promise<SafetensorsContent> => {
    const file = await openSafetensors(path);
    try {
      const content: SafetensorsContent = { tensors: Object.create(null), metadata: file.metadata };
      for (const [name, tensor] of file.tensors) content.tensors[name] = await tensor.read();
      return content;
    } finally {
      await file.close();
    }
  },
);

/** Opens a safetensors file whose header has been checked; its tensors are read one by one. */
export async function openSafetensors(
  path: string,
): Promise<StoredTensors & { metadata: Record<string, string> }> {
  const file = await openToRead(path);
  try {
    const { tensors, metadata, dataStart } = await readHeader(path, file);
    const stored = tensors.map((entry): [string, StoredTensor] => [
      entry.name,
      inFile(path, file, dataStart, entry),
    ]);
    return { tensors: new Map(stored), metadata, close: () => file.close() };
  } catch (error) {
    await file.close();
    throw error;
  }
}

function inFile(path: string, file: FileHandle, dataStart: number, entry: TensorEntry): StoredTensor {
  const { name, dtype, shape, begin, end } = entry;
  const readInto = (target: Uint8Array) => readExactly(path, file, target, dataStart + begin);
  return {
    dtype,
    shape,
    readInto,
    async read() {
      const stored = allocateStored(dtype, end - begin);
      await readInto(bytesOf(stored));
      return fileTensor(labelOf(path, name), dtype, shape, stored);
    },
  };
}

/** Reads and checks names, dtypes, shapes and metadata of a safetensors file, without reading its data. */
export const readSafetensorsHeader = checked(
  'readSafetensorsHeader',
  { path },
  async (path: string): Promise<SafetensorsHeader> => {
    const file = await openToRead(path);
    try {
      return await readHeader(path, file);
    } finally {
      await file.close();
    }
  },
);

async function readHeader(path: string, file: FileHandle): Promise<SafetensorsHeader> {
  const { size } = await file.stat();
  const prefix = new Uint8Array(Math.min(LENGTH_BYTES, size));
  await readExactly(path, file, prefix, 0);
  const json = new Uint8Array(decodeHeaderLength(path, prefix, size));
  await readExactly(path, file, json, LENGTH_BYTES);
  return decodeHeader(path, json, size - LENGTH_BYTES - json.length);
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

function viewOrCopy({ dtype }: TensorEntry, bytes: Uint8Array): FileArray {
  const empty = allocateStored(dtype, 0);
  if (bytes.byteOffset % empty.BYTES_PER_ELEMENT === 0) {
    const view = empty.constructor as new (
      buffer: ArrayBufferLike,
      offset: number,
      length: number,
    ) => FileArray;
    return new view(bytes.buffer, bytes.byteOffset, bytes.byteLength / empty.BYTES_PER_ELEMENT);
  }
  const copy = allocateStored(dtype, bytes.byteLength);
  bytesOf(copy).set(bytes);
  return copy;
}
