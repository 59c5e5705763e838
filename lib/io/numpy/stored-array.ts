import type { ByteSource } from '../byte-source.js';
import { allocateBytes, allocateStored, bitsPerElement, fileTensor } from '../file-dtypes.js';
import type { StoredTensor } from '../stored-tensor.js';
import { columnMajorStrides, gather, isRowMajor, swapBytes } from '../strided.js';
import { bytesOf } from '../tensor-bytes.js';
import { readNpyHeader } from './npy-header.js';

/** The array in an .npy file, or in such an entry of an archive, of which only the header is read. */
export async function storedArray(source: ByteSource): Promise<StoredTensor> {
  const { dtype, shape, isBigEndian, isColumnMajor, headerBytes } = await readNpyHeader(source);
  const width = bitsPerElement(dtype) / 8;
  // The two halves of a complex number are swapped one by one.
  const swapped = isBigEndian ? (dtype === 'complex64' ? width / 2 : width) : 1;
  const layout = { width, shape, strides: columnMajorStrides(shape), offset: 0 };
  const isInOrder = !isColumnMajor || isRowMajor(layout);

  async function readInto(target: Uint8Array): Promise<void> {
    const stored = isInOrder ? target : allocateBytes(target.length);
    await source.readInto(new Uint8Array(headerBytes), stored);
    swapBytes(stored, swapped);
    if (!isInOrder) gather(stored, target, layout);
  }

  return {
    dtype,
    shape,
    readInto,
    async read() {
      const elements = allocateStored(dtype, source.size - headerBytes);
      await readInto(bytesOf(elements));
      return fileTensor(source.label, dtype, shape, elements);
    },
  };
}
