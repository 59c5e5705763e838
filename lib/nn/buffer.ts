import type { DType } from '../graph/dtype.js';
import { full, Variable } from '../graph/leaf.js';
import type { Shape } from '../graph/shapes.js';
import { Storage } from '../graph/storage.js';

export interface BufferOptions {
  /** The value of every element at first. Default 0. */
  readonly value?: number;
  /** Default float32. */
  readonly dtype?: DType;
}

/**
 * A variable that belongs to a model and is saved with it, but has no gradient: a running mean. In training, `forward`
 * may `assign` it. A trainer's shards of a batch each assign their own value, and the mean of these, weighted by their
 * rows, is kept.
 */
export class Buffer extends Variable {
  constructor(shape: Shape, { value = 0, dtype = 'float32' }: BufferOptions = {}) {
    full(shape, value, dtype, 'Buffer');
    super(new Storage(shape, dtype, (data) => void data.fill(value)));
  }
}
