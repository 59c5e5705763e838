import { isFloat, type TypedArray } from '../graph/dtype.js';
import { isNumber } from '../graph/leaf.js';
import type { Origin } from '../graph/origin.js';
import { reachable, type Tensor } from '../graph/tensor.js';
import type { RandomState } from '../runtime/executable.js';
import { GraphRun } from '../runtime/graph-run.js';
import { nanCount, nonFiniteCount } from './measures.js';
import type { NonFiniteOp } from './report.js';

/** What is not finite in a graph. */
export interface NonFiniteValues {
  /** How many elements of a node are NaN or infinite. */
  count(node: Tensor): number;
  /** The first node, in the order of the trace, that makes such a value of finite ones, or NaN of numbers. */
  readonly first: NonFiniteOp | null;
}

export const allFinite: NonFiniteValues = { count: () => 0, first: null };

/**
 * Looks for values that are not finite. Infinities that stand in the graph as they are, such as those of masks, are no
 * fault.
 *
 * @param origin says which layer a node belongs to
 */
export async function findNonFinite(
  roots: readonly Tensor[],
  origin: (node: Tensor) => Origin,
  random: RandomState,
): Promise<NonFiniteValues> {
  const nodes = reachable(roots).filter(({ dtype, size }) => isFloat(dtype) && size > 0);
  const run = new GraphRun([], [...nodes.map(nonFiniteCount), ...nodes.map(nanCount)], random);
  try {
    const counts = (await run.run([])).map(([count]: TypedArray) => count as number);
    const nonFinite = new Map(nodes.map((node, i) => [node, counts[i] as number]));
    const nan = new Map(nodes.map((node, i) => [node, counts[nodes.length + i] as number]));
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
