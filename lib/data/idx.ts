import type { FileHandle } from 'node:fs/promises';
import { checked } from '../graph/arguments/checked.js';
import { allocate, bytesPerElement, type DType, type TensorData } from '../graph/dtype.js';
import { formatShape, invalid } from '../graph/errors.js';
import { readExactly } from '../io/files.js';
import { path as pathKind } from '../io/kinds.js';
import { openToRead } from '../io/regular-file.js';

/** The dtypes by the third byte of the magic number. */
const dtypesByCode: ReadonlyMap<number, DType> = new Map([
  [0x08, 'uint8'],
  [0x0c, 'int32'],
  [0x0d, 'float32'],
  [0x0e, 'float64'],
]);

/**
 * Reads a file in the IDX format of MNIST (http://yann.lecun.com/exdb/mnist): uint8, int32, float32 or float64, with
 * any number of dimensions. The data are in shared memory, so a data set can use them without a copy.
 *
 * @throws ChainruleError naming the file if it is not an IDX file, is cut short or has trailing bytes
 */
export const readIdx = checked('readIdx', { path: pathKind }, async (path: string): Promise<TensorData> => {
  const file = await openToRead(path);
  try {
    const { size } = await file.stat();
    const { dtype, shape, dataStart } = await readHead(path, file, size);
    const elements = shape.reduce((product, length) => product * length, 1);
    const expected = dataStart + elements * bytesPerElement(dtype);
    if (size !== expected) {
      const problem = size < expected ? 'the file is cut short' : 'the file has trailing bytes';
      throw invalid(path, `${problem}: ${dtype} ${formatShape(shape)} takes ${expected} bytes`, size);
    }
    const data = allocate(dtype, elements, { shared: true });
    const bytes = Buffer.from(data.buffer);
    await readExactly(path, file, bytes, dataStart);
    if (data.BYTES_PER_ELEMENT === 4) bytes.swap32();
    if (data.BYTES_PER_ELEMENT === 8) bytes.swap64();
    return { dtype, shape, data };
  } finally {
    await file.close();
  }
});

/** Header of an IDX file. */
export interface IdxHead {
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Offset of the data, in bytes. */
  readonly dataStart: number;
}

/** Reads the header of an IDX file. */
export async function readIdxHead(path: string): Promise<IdxHead> {
  const file = await openToRead(path);
  try {
    return await readHead(path, file, (await file.stat()).size);
  } finally {
    await file.close();
  }
}

async function readHead(path: string, file: FileHandle, size: number): Promise<IdxHead> {
  const magic = await readBytes(path, file, size, 0, 4);
  if (magic[0] === 0x1f && magic[1] === 0x8b) throw invalid(path, 'the file is compressed: gunzip it first');
  const dtype = dtypesByCode.get(magic.readUInt8(2));
  if (magic[0] !== 0 || magic[1] !== 0 || !dtype) {
    throw invalid(path, 'an IDX file starts with 00 00, then 08, 0c, 0d or 0e', magic.toString('hex', 0, 3));
  }
  const rank = magic.readUInt8(3);
  const sizes = await readBytes(path, file, size, 4, 4 * rank);
  const shape = Array.from({ length: rank }, (_, axis) => sizes.readUInt32BE(4 * axis));
  return { dtype, shape, dataStart: 4 + 4 * rank };
}

async function readBytes(path: string, file: FileHandle, size: number, position: number, length: number) {
  if (size < position + length) {
    throw invalid(path, `the file is cut short: its head takes ${position + length} bytes`, size);
  }
  const bytes = Buffer.alloc(length);
  await readExactly(path, file, bytes, position);
  return bytes;
}
