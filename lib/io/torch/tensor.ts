import { formatShape } from '../../graph/errors.js';
import type { ByteSource } from '../byte-source.js';
import { bitsPerElement, type FileDType } from '../file-dtypes.js';
import { elementsOf, isRowMajor, type Layout } from '../strided.js';
import { type Call, Global } from './pickle/globals.js';

/** The memory of tensors: an entry of the archive, whose bytes have not been read. */
export class Storage {
  readonly source: ByteSource;
  /** Undefined if the tensors say it. */
  readonly dtype: FileDType | undefined;

  constructor(source: ByteSource, dtype: FileDType | undefined) {
    this.source = source;
    this.dtype = dtype;
  }
}

/** A tensor of a pickle: where its elements lie in a storage. */
export class TorchTensor {
  readonly storage: Storage;
  readonly dtype: FileDType;
  readonly layout: Layout;

  constructor(storage: Storage, dtype: FileDType, layout: Layout) {
    this.storage = storage;
    this.dtype = dtype;
    this.layout = layout;
  }

  /** Bytes of the elements, each counted as often as it occurs. */
  get bytes(): number {
    return elementsOf(this.layout.shape) * this.layout.width;
  }
}

/** True for a tensor that is its storage, in row-major order. */
export function isWhole({ storage, layout, bytes }: TorchTensor): boolean {
  return layout.offset === 0 && bytes === storage.source.size && isRowMajor(layout);
}

/** An element type of PyTorch, as a value. */
export class TorchDType extends Global {
  /** Undefined for one that tensors in files are not read of. */
  readonly dtype: FileDType | undefined;

  constructor(name: string, dtype: FileDType | undefined) {
    super(`torch.${name}`);
    this.dtype = dtype;
  }
}

/** Bytes that tensors may have beyond those of the file, where their elements overlap, as those of `expand` do. */
export const MOST_REPEATED = 64 * 2 ** 20;
/** Nobody has more axes. */
const MOST_AXES = 64;

/** `torch._utils._rebuild_tensor_v2(storage, offset, size, stride, requires_grad, backward_hooks, metadata=None)`. */
export function rebuildTensor({ args, error }: Call): TorchTensor {
  const [storage, offset, size, stride, , , metadata = null, ...surplus] = args;
  if (!(storage instanceof Storage) || !storage.dtype || args.length < 6 || surplus.length > 0)
    throw error('a tensor is made of a typed storage, offset, size, stride and three or two more', args);
  requireNone(metadata, error);
  return tensorOf(storage, storage.dtype, offset, size, stride, error);
}

/** `torch._utils._rebuild_tensor_v3(storage, offset, size, stride, requires_grad, backward_hooks, dtype, metadata=None)`. */
export function rebuildUntypedTensor({ args, error }: Call): TorchTensor {
  const [storage, offset, size, stride, , , type, metadata = null, ...surplus] = args;
  if (!(storage instanceof Storage) || !(type instanceof TorchDType) || surplus.length > 0)
    throw error('a tensor is made of a storage, offset, size, stride, dtype and some more', args);
  if (!type.dtype) throw error('tensors of this dtype are not read', type.name);
  requireNone(metadata, error);
  return tensorOf(storage, type.dtype, offset, size, stride, error);
}

/** `torch._utils._rebuild_parameter(data, requires_grad, backward_hooks)`, and the same with state, which is left out. */
export function rebuildParameter({ args, error }: Call): TorchTensor {
  const [tensor] = args;
  if (!(tensor instanceof TorchTensor) || args.length < 3 || args.length > 4)
    throw error('a parameter is made of a tensor and two or three more', args);
  return tensor;
}

/** Conjugated and negated views have other values than their storage. */
function requireNone(metadata: unknown, error: Call['error']): void {
  if (metadata !== null && !(metadata instanceof Map && metadata.size === 0))
    throw error('a tensor that is a conjugated or negated view is not read; save its clone()');
}

function tensorOf(
  storage: Storage,
  dtype: FileDType,
  offset: unknown,
  shape: unknown,
  strides: unknown,
  error: Call['error'],
): TorchTensor {
  if (!isSize(offset)) throw error('the offset of a tensor must be a non-negative integer', offset);
  if (!isSizes(shape)) throw error('the size of a tensor must be non-negative integers', shape);
  if (!isSizes(strides)) throw error('the strides of a tensor must be non-negative integers', strides);
  if (shape.length !== strides.length || shape.length > MOST_AXES)
    throw error(`a tensor has up to ${MOST_AXES} axes, and a stride for each`, [
      shape.length,
      strides.length,
    ]);
  const width = bitsPerElement(dtype) / 8;
  // Copies, since the lists of a pickle may change yet.
  const layout = { width, shape: [...shape], strides: [...strides], offset };
  const elements = Math.floor(storage.source.size / width);
  const last = shape.reduce((sum, size, axis) => sum + (size - 1) * (strides[axis] as number), offset);
  // Sums past 2^53 are not exact, but past the end all the same.
  if (!shape.includes(0) && last >= elements)
    throw error(`a tensor ${formatShape(shape)} must lie in the ${elements} elements of its storage`, last);
  const tensor = new TorchTensor(storage, dtype, layout);
  if (tensor.bytes > storage.source.size + MOST_REPEATED)
    throw error(`a tensor of ${tensor.bytes} bytes repeats its storage of ${storage.source.size} too often`);
  return tensor;
}

function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.length <= MOST_AXES && value.every(isSize);
}
