import { checked } from '../../graph/arguments/checked.js';
import { listOf, optional } from '../../graph/arguments/kind.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { type DType, isFloat } from '../../graph/dtype.js';
import { invalid } from '../../graph/errors.js';
import type { OpRecord } from '../../graph/op.js';
import { requireShape, type Shape } from '../../graph/shapes.js';
import { Tensor } from '../../graph/tensor.js';
import { nextRandomKey } from '../../graph/trace.js';
import { cos, log, mul, sqrt, sub } from './elementwise.js';
import { reshape } from './movement.js';

export interface UniformAttributes {
  readonly shape: Shape;
  readonly dtype: DType;
  readonly key: number;
}

/**
 * Numbers in [0, 1) from the counter-based generator Philox-4x32-10 (Salmon et al. 2011): a function of the seed, the
 * step, the node's key and the global index of the element, never of the thread or of the order of work.
 */
export const uniformOp: OpRecord<UniformAttributes> = {
  kind: 'uniform',
  type: (_, { shape, dtype }) => {
    if (!isFloat(dtype)) throw invalid('uniform', 'dtype must be float32 or float64', dtype);
    return { shape, dtype };
  },
  grad: null,
  kernel: { family: 'map', instruction: ({ key }) => ({ code: 'uniform', value: key }) },
  // The numbers of a sample follow from its place in the batch.
  shards: ({ shape, attributes }, { count, rows }) => {
    if (shape[0] !== rows) return undefined;
    const all = new Tensor(uniformOp, [], { ...attributes, shape: [count * rows, ...shape.slice(1)] });
    return reshape(all, [count, ...shape]);
  },
  cost: (node) => 10 * node.size,
};

/** Uniform numbers in [0, 1), drawn again at every run. */
export const uniform = checked(
  'uniform',
  { shape: kinds.shape, dtype: optional(kinds.dtype), key: optional(kinds.index) },
  (shape: Shape, dtype: DType = 'float32', key = nextRandomKey()): Tensor =>
    new Tensor(uniformOp, [], { shape: requireShape('uniform', shape), dtype, key }),
);

/** Standard normal numbers (Box and Muller 1958), drawn again at every run. */
export const normal = checked(
  'normal',
  { shape: kinds.shape, dtype: optional(kinds.dtype), keys: optional(listOf(kinds.index, 'keys', 2)) },
  (shape: Shape, dtype: DType = 'float32', keys = [nextRandomKey(), nextRandomKey()]): Tensor => {
    const [first, second] = keys;
    const radius = sqrt(mul(log(sub(1, uniform(shape, dtype, first))), -2));
    return mul(radius, cos(mul(uniform(shape, dtype, second), 2 * Math.PI)));
  },
);
