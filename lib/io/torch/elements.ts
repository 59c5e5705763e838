import type { ByteSource } from '../byte-source.js';
import { allocateBytes, allocateStored, type FileTensor, fileTensor } from '../file-dtypes.js';
import { gather, swapBytes } from '../strided.js';
import { bytesOf } from '../tensor-bytes.js';
import { isWhole, type TorchTensor } from './tensor.js';

/** Reads the elements of tensors from the storages that they lie in. */
export class Elements {
  readonly #isBigEndian: boolean;
  /** The last storage that was read for a part of it: others often follow. */
  #last: { source: ByteSource; bytes: Promise<Uint8Array> } | undefined;

  constructor(isBigEndian: boolean) {
    this.#isBigEndian = isBigEndian;
  }

  /** Fills the target with row-major elements. */
  async readInto(tensor: TorchTensor, target: Uint8Array): Promise<void> {
    const { storage, layout, dtype } = tensor;
    if (isWhole(tensor)) await storage.source.readInto(target);
    else if (target.length > 0) gather(await this.#bytes(storage.source), target, layout);
    // The two halves of a complex number are swapped one by one.
    if (this.#isBigEndian) swapBytes(target, dtype === 'complex64' ? layout.width / 2 : layout.width);
  }

  /** @param label name of the tensor in errors */
  async read(label: string, tensor: TorchTensor): Promise<FileTensor> {
    const stored = allocateStored(tensor.dtype, tensor.bytes);
    await this.readInto(tensor, bytesOf(stored));
    return fileTensor(label, tensor.dtype, tensor.layout.shape, stored);
  }

  #bytes(source: ByteSource): Promise<Uint8Array> {
    if (this.#last?.source !== source) this.#last = { source, bytes: readWhole(source) };
    return this.#last.bytes;
  }
}

async function readWhole(source: ByteSource): Promise<Uint8Array> {
  const bytes = allocateBytes(source.size);
  await source.readInto(bytes);
  return bytes;
}
