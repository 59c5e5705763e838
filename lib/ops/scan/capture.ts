import { follower } from '../../graph/follow.js';
import { input, isNumber } from '../../graph/leaf.js';
import { substitute } from '../../graph/substitute.js';
import { reachable, type Tensor } from '../../graph/tensor.js';

import type { Bound } from '../primitives/scan/draft.js';

/** A loop body that refers to no outside nodes, only to placeholders. */
export interface Closed {
  readonly results: readonly Tensor[];
  /** The outside values that the body uses, each with the placeholder that replaces it. */
  readonly captured: readonly Bound[];
}

/**
 * Closes a loop body: values that are the same at every step are computed outside of the loop, and captured. Random
 * nodes made by the step itself stay in the body, as do views that repeat a captured value, which cost nothing.
 *
 * @param placeholders the values that change from step to step
 * @param since the id of the first node that the step can have made
 */
export function closeBody(
  results: readonly Tensor[],
  placeholders: readonly Tensor[],
  since: number,
): Closed {
  const inside = new Set<Tensor>(placeholders);
  const found = reachable(results, (node) => node.id < since);
  for (const node of found) {
    if (node.id < since) continue;
    if (drawsNumbers(node) || node.inputs.some((x) => inside.has(x))) inside.add(node);
  }
  const used = [...found.filter((node) => inside.has(node)).flatMap((node) => node.inputs), ...results];
  const repeated = follower(repeatsInput);
  const outside = used.filter((node) => !inside.has(node)).map(repeated);
  const values = [...new Set(outside)].filter((node) => !isNumber(node)).sort((a, b) => a.id - b.id);
  const captured = values.map(
    (value, i): Bound => ({ value, placeholder: input(`captured ${i}`, value.shape, value.dtype) }),
  );
  const replacements = new Map(captured.map(({ value, placeholder }) => [value, placeholder]));
  return { results: substitute(results, replacements), captured };
}

/** True for a view that is no smaller than its input, and so repeats it. */
function repeatsInput({ op, inputs: [x], size }: Tensor): boolean {
  return x !== undefined && op.kernel.family === 'view' && size >= x.size;
}

/** True if the node draws new random numbers at every step. */
export function drawsNumbers({ op, inputs, attributes }: Tensor): boolean {
  if (op.kernel.family === 'scan') {
    return reachable(op.kernel.loop({ attributes } as Tensor).body.results).some(drawsNumbers);
  }
  return inputs.length === 0 && op.kernel.family !== 'leaf';
}
