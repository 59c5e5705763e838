import { formatShape, invalid } from '../graph/errors.js';
import { reachable, type Tensor } from '../graph/tensor.js';
import type { Trace } from '../graph/trace.js';
import { makerOf } from './maker.js';
import { Parameter } from './parameter.js';

/**
 * Checks that a traced loss depends on no trainable parameters that the traced function makes itself and that are not
 * updated: each trace makes new ones, and training would never change them.
 */
export function requireLasting(
  op: string,
  losses: Iterable<Tensor>,
  updated: readonly Tensor[],
  trace: Trace | undefined,
): void {
  if (!trace) return;
  for (const node of reachable(losses)) {
    if (!(node instanceof Parameter) || !node.trainable || updated.includes(node)) continue;
    const maker = makerOf(node);
    if (maker.trace !== trace) continue;
    const of = maker.type === undefined ? '' : ` of ${maker.type}`;
    const place = maker.place === undefined ? '' : ` (made at ${maker.place})`;
    const rule =
      'the loss depends on a parameter that is made anew whenever the function is traced, and never updated';
    throw invalid(
      op,
      `${rule}: ${formatShape(node.shape)}${of}${place}; make it once, outside of the function`,
    );
  }
}
