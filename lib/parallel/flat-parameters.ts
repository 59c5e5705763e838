import { bytesPerElement, type DType, viewOf } from '../graph/dtype.js';
import { invalid } from '../graph/errors.js';
import type { Variable } from '../graph/ops/leaf.js';
import type { SharedMemory } from './job.js';

/** Elements that each parameter's place is a multiple of, so that every one starts on a cache line. */
const ALIGNMENT = 16;

/**
 * All parameters in one stretch of shared memory, which slices cut without regard to where one ends, and behind them
 * the buffers that training may assign.
 */
export interface FlatParameters {
  readonly memory: SharedMemory;
  /** The length of the memory, in elements. */
  readonly elements: number;
  /** The length of its first part, which the parameters are in. */
  readonly parameterElements: number;
  readonly parameters: readonly Variable[];
  /** The first element of each parameter and buffer. */
  readonly offsets: ReadonlyMap<Variable, number>;
}

/**
 * Moves the parameters, and the buffers of their dtype, into one stretch of shared memory, where they stay: workers
 * update them in place.
 */
export function flattenParameters(
  parameters: readonly Variable[],
  buffers: readonly Variable[] = [],
): FlatParameters {
  const [first] = parameters;
  if (!first) throw invalid('Trainer', 'the model must have parameters');
  const offsets = new Map<Variable, number>();
  let elements = 0;
  const place = (variable: Variable) => {
    offsets.set(variable, elements);
    elements += Math.ceil(variable.size / ALIGNMENT) * ALIGNMENT;
  };
  for (const parameter of parameters) {
    if (parameter.dtype !== first.dtype) {
      throw invalid('Trainer', `all parameters must be ${first.dtype}`, parameter.dtype);
    }
    place(parameter);
  }
  const parameterElements = elements;
  for (const buffer of buffers) {
    if (buffer.dtype === first.dtype) place(buffer);
  }
  const memory = sharedMemory(first.dtype, elements);
  const flat = { memory, elements, parameterElements, parameters, offsets };
  attachParameters(flat);
  return flat;
}

/** Moves the parameters and buffers back to their place, with their present values, if another owner has moved them away. */
export function attachParameters({ memory: { buffer, dtype }, offsets }: FlatParameters): void {
  for (const [variable, offset] of offsets) {
    if (variable.storage.data.buffer === buffer) continue;
    const byteOffset = offset * bytesPerElement(dtype);
    variable.storage.moveTo(viewOf(dtype, buffer, byteOffset, variable.size));
  }
}

/** Zeros that every worker sees. Throws an error that says how much was asked for when there is not enough. */
export function sharedMemory(dtype: DType, elements: number): SharedMemory {
  const bytes = elements * bytesPerElement(dtype);
  try {
    return { buffer: new SharedArrayBuffer(bytes), dtype };
  } catch (cause) {
    const error = invalid('Trainer', `not enough memory for ${bytes} shared bytes`);
    error.cause = cause;
    throw error;
  }
}
