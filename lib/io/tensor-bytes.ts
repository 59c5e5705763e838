import { requireKind } from '../graph/arguments/kind.js';
import { formatShape, invalid, requireInteger } from '../graph/errors.js';
import { type FileArray, type FileTensor, fits, heldAs, isReadDType } from './file-dtypes.js';
import { tensorData } from './kinds.js';
import { byteSize } from './safetensors-header.js';

/**
 * The bytes of a tensor that is to be written, without a copy.
 *
 * @param source what errors begin with
 * @throws ChainruleError if dtype, shape and data do not fit each other
 */
export function tensorBytes(source: string, tensor: FileTensor): Uint8Array {
  const { dtype, shape, data } = requireKind(source, 'the tensor', tensorData, tensor);
  if (!isReadDType(dtype)) throw invalid(source, 'unknown dtype', dtype);
  if (!fits(dtype, data)) throw invalid(source, `dtype ${dtype} needs ${heldAs(dtype)} data`, data);
  for (const size of shape) requireInteger(source, 'a size of the shape', size, { min: 0 });
  const bytes = byteSize(source, dtype, shape);
  if (bytes !== data.byteLength) {
    throw invalid(source, `${dtype} ${formatShape(shape)} takes ${bytes} bytes`, data.byteLength);
  }
  return bytesOf(data);
}

/** The memory of elements, as bytes. */
export function bytesOf(data: FileArray): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
