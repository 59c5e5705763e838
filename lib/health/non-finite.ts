import { at } from '../graph/at.js';
import { isFloat, type TypedArray } from '../graph/dtype.js';
import { isNumber } from '../graph/leaf.js';
import type { Origin } from '../graph/origin.js';
import { reachable, type Tensor } from '../graph/tensor.js';
import type { RandomState } from '../runtime/executable.js';
import { GraphRun } from '../runtime/graph-run.js';
import { nanCount, nonFiniteCount } from './measures.js';
import type { NonFiniteOp } from './report.js';

/** Non-finite values in a graph. */
export interface NonFiniteValues {
  /** Number of elements of a node that are NaN or infinite. */
  count(node: Tensor): number;
  /** The first node, in trace order, that makes a non-finite value from finite inputs, or NaN from infinities. */
  readonly first: NonFiniteOp | null;
}

export const allFinite: NonFiniteValues = { count: () => 0, first: null };

/**
 * Searches a graph for non-finite values. Constants that are infinite on purpose, such as those of masks, are not
 * reported.
 *
 * @param origin returns the layer that a node belongs to
 */
export async function findNonFinite(
  roots: readonly Tensor[],
  origin: (node: Tensor) => Origin,
  random: RandomState,
): Promise<NonFiniteValues> {
  const nodes = reachable(roots).filter(({ dtype, size }) => isFloat(dtype) && size > 0);
  const run = new GraphRun([], [...nodes.map(nonFiniteCount), ...nodes.map(nanCount)], random);
  try {
    const counts = (await run.run([])).map((count: TypedArray) => at(count, 0));
    const nonFinite = new Map(nodes.map((node, i) => [node, at(counts, i)]));
    const nan = new Map(nodes.map((node, i) => [node, at(counts, nodes.length + i)]));
    const arises = (found: ReadonlyMap<Tensor, number>, node: Tensor) =>
      found.get(node) && node.inputs.every((input) => !found.get(input));
    const first = nodes.find((node) => !isNumber(node) && (arises(nonFinite, node) || arises(nan, node)));
    const count = (node: Tensor) => nonFinite.get(node) ?? 0;
    return { count, first: first ? describe(first, count(first), origin(first)) : null };
  } finally {
    run.release();
  }
}

function describe({ op, shape, dtype }: Tensor, count: number, origin: Origin): NonFiniteOp {
  return { op: op.kind, shape, dtype, count, ...origin };
}
