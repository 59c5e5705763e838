import { requireArguments } from '../graph/arguments/checked.js';
import { optional } from '../graph/arguments/kind.js';
import * as kinds from '../graph/arguments/kinds.js';
import { optionsOf } from '../graph/arguments/options.js';
import type { DType } from '../graph/dtype.js';
import { filled, Variable } from '../graph/leaf.js';
import type { Shape } from '../graph/shapes.js';
import { AlignedStorage } from '../runtime/aligned-memory.js';
import { noteMaker } from './maker.js';

export interface BufferOptions {
  /** Initial value of every element. Default 0. */
  readonly value?: number;
  /** Element type. Default float32. */
  readonly dtype?: DType;
}

const bufferOptions = optionsOf<BufferOptions>({ value: kinds.number, dtype: kinds.dtype });

/**
 * A variable that belongs to a model and is saved with it, but has no gradient, such as a running mean. In training,
 * `forward` may `assign` it. Each shard of a trainer's batch assigns its own value; the mean of these, weighted by
 * the rows of the shards, is kept.
 */
export class Buffer extends Variable {
  constructor(shape: Shape, options: BufferOptions = {}, ...surplus: []) {
    const parameters = { shape: kinds.shape, options: optional(bufferOptions) };
    requireArguments('Buffer', parameters, [shape, options, ...surplus]);
    const { value = 0, dtype = 'float32' } = options;
    filled(shape, value, dtype, 'Buffer');
    super(new AlignedStorage(shape, dtype, (data) => void data.fill(value)));
    noteMaker(this, Buffer);
  }
}
