import type { Shards } from '../../graph/op.js';
import { Tensor } from '../../graph/tensor.js';
import { reshape } from './movement.js';

/** The rows of all shards, [count * n, ...] of a value [count, n, ...]. */
export function joinRows(x: Tensor): Tensor {
  const [count = 1, rows = 1, ...rest] = x.shape;
  return reshape(x, [count * rows, ...rest]);
}

/** The value of a node for all shards, if each row follows from the same row of its inputs: the op on the rows of all. */
export function rowByRow<A>(
  node: Tensor<A>,
  { count, stacked }: Shards,
  attributes = node.attributes,
): Tensor {
  const inputs = node.inputs.map((_, i) => joinRows(stacked(i)));
  return reshape(new Tensor(node.op, inputs, attributes), [count, ...node.shape]);
}
