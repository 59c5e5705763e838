import { reachable, type Tensor } from '../../graph/tensor.js';
import type { Kernels } from '../plan/kernels.js';
import type { CallStep } from '../plan/plan.js';
import { contiguous, type Value } from '../plan/values.js';
import { settledSizes } from './hoist.js';
import { renewed, rewritten } from './rewritten.js';

/**
 * Has settled weights packed by a step of its own, which can be taken out of the graph, where a kernel would pack them in
 * every call. The results of convolutions keep their bits; those of products may differ by rounding.
 *
 * @returns the rewritten roots, in order
 */
export function packWeights(roots: readonly Tensor[], kernels: Kernels): Tensor[] {
  const settled = settledSizes(reachable(roots));
  return rewritten(roots, (node, replaced) => {
    const [, weight] = node.inputs;
    if (!node.op.pack || !weight || settled.has(node) || !settled.has(weight)) return undefined;
    return withPackedWeight(renewed(node, replaced), kernels);
  });
}

/** The node with a weight that is packed before; undefined if its kernel reads weights as they are. */
export function withPackedWeight(node: Tensor, kernels: Kernels): Tensor | undefined {
  if (!node.op.pack) return undefined;
  const { packing } = kernels.facts(callOf(node));
  return packing && node.op.pack(node, packing);
}

/** The call of a node over values that fill buffers. */
function callOf(node: Tensor): CallStep<Value> {
  const { kernel } = node.op;
  if (kernel.family !== 'call') throw new Error('pack: the op must call a kernel');
  const { kernel: name, inputs, attributes = {} } = kernel.call(node);
  const values = node.inputs.map(wholeOf);
  return {
    kernel: 'call',
    label: '',
    flops: 0,
    name,
    inputs: Object.fromEntries(inputs.map((input, i) => [input, values[i] as Value])),
    output: wholeOf(node),
    attributes,
  };
}

/** A value that fills a buffer of its own. */
function wholeOf({ shape, dtype }: Tensor): Value {
  return { buffer: { kind: 'arena', id: 0, bytes: 0 }, layout: contiguous(shape), dtype };
}
