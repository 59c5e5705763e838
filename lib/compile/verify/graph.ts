import { formatShape } from '../../graph/errors.js';
import { sameShape } from '../../graph/shapes.js';
import type { Tensor } from '../../graph/tensor.js';

/** Checks that nodes follow their inputs and have the types that their ops infer. A failure is a bug in a pass. */
export function verifyGraph(nodes: readonly Tensor[]): void {
  const seen = new Set<Tensor>();
  for (const node of nodes) {
    for (const input of node.inputs) {
      if (!seen.has(input)) throw new Error(`verify: ${node} stands before its input ${input}`);
    }
    const { shape, dtype } = node.op.type(node.inputs, node.attributes);
    if (!sameShape(shape, node.shape) || dtype !== node.dtype) {
      throw new Error(`verify: ${node} should be ${dtype}${formatShape(shape)}`);
    }
    seen.add(node);
  }
}
