import { at } from '../graph/at.js';
import { type DType, isFloat, type TypedArray } from '../graph/dtype.js';
import { formatShape } from '../graph/errors.js';
import { type InputAttributes, isInput, isNumber, Variable } from '../graph/leaf.js';
import type { Origin } from '../graph/origin.js';
import { type Shape, sizeOf } from '../graph/shapes.js';
import { reachable, type Tensor } from '../graph/tensor.js';
import { sum } from '../ops/primitives/broadcast.js';
import { cast, mul, ne } from '../ops/primitives/elementwise.js';
import type { RandomState } from './executable.js';
import { GraphRun } from './graph-run.js';

/** The op that made the first non-finite value from finite ones. */
export interface NonFiniteOp {
  /** Kind of the op, such as `exp`; `variable` or `constant` for a parameter or input that is itself not finite. */
  readonly op: string;
  readonly shape: Shape;
  readonly dtype: DType;
  /** Layer of the op: a path, `(model)`, `(loss)`, or a parameter's path. */
  readonly layer: string;
  readonly phase: 'forward' | 'backward';
  /** In the backward pass, the op whose gradient it computes. */
  readonly gradientOf?: string;
  /** Elements that are NaN or infinite. */
  readonly count: number;
}

/** Non-finite values in a graph. */
export interface NonFiniteValues {
  /** Number of elements of a node that are NaN or infinite. */
  count(node: Tensor): number;
  /** The first node, in trace order, that makes a non-finite value from finite inputs, or NaN from infinities. */
  readonly first: NonFiniteOp | null;
}

export const allFinite: NonFiniteValues = { count: () => 0, first: null };

/** What a graph is computed with. */
export interface RunValues {
  readonly random: RandomState;
  readonly inputs?: readonly Tensor<InputAttributes>[];
  /** One for each of the inputs. */
  readonly values?: readonly TypedArray[];
}

/**
 * Searches a graph for the op that made its first root not finite that is so. Only values that such a root was computed
 * from are looked at: an infinite one that has no such effect, as that of a mask, is none.
 *
 * @param roots by importance
 * @param origin returns the layer that a node belongs to
 */
export async function findNonFinite(
  roots: readonly Tensor[],
  origin: (node: Tensor) => Origin,
  { random, inputs = [], values = [] }: RunValues,
): Promise<NonFiniteValues> {
  const nodes = reachable(roots).filter(({ dtype, size }) => isFloat(dtype) && size > 0);
  const run = new GraphRun(inputs, [...nodes.map(nonFiniteCount), ...nodes.map(nanCount)], random);
  try {
    const counts = (await run.run(values)).map((count: TypedArray) => at(count, 0));
    const nonFinite = new Map(nodes.map((node, i) => [node, at(counts, i)]));
    const nan = new Map(nodes.map((node, i) => [node, at(counts, nodes.length + i)]));
    const arises = (found: ReadonlyMap<Tensor, number>, node: Tensor) =>
      found.get(node) && node.inputs.every((input) => !found.get(input));
    const count = (node: Tensor) => nonFinite.get(node) ?? 0;
    const root = roots.find((node) => count(node) > 0);
    const involved = root ? reachableThrough(root, (node) => count(node) > 0) : new Set<Tensor>();
    const first = nodes.find(
      (node) => involved.has(node) && !isNumber(node) && (arises(nonFinite, node) || arises(nan, node)),
    );
    return { count, first: first ? describe(first, count(first), origin(first)) : null };
  } finally {
    run.release();
  }
}

/** Number of elements that are NaN or infinite. */
function nonFiniteCount(x: Tensor): Tensor {
  // Anything finite times 0 is 0.
  return sum(cast(ne(mul(x, 0), 0), 'float64'));
}

/** Number of elements that are NaN. */
function nanCount(x: Tensor): Tensor {
  return sum(cast(ne(x, x), 'float64'));
}

/** The nodes that `root` depends on through such nodes alone, with itself. */
function reachableThrough(root: Tensor, holds: (node: Tensor) => boolean): Set<Tensor> {
  const found = new Set([root]);
  for (const node of found) for (const input of node.inputs) if (holds(input)) found.add(input);
  return found;
}

function describe({ op, shape, dtype }: Tensor, count: number, origin: Origin): NonFiniteOp {
  return { op: op.kind, shape, dtype, count, ...origin };
}

/** Layer of nodes that a function of the user's own makes. */
export const FUNCTION: Origin = { layer: '(function)', phase: 'forward' };

/** The origin of a node of a function that was traced with `FUNCTION` as the origin: an argument has its name. */
export function originOf(node: Tensor): Origin {
  const { phase } = FUNCTION;
  if (isInput(node)) return { layer: node.attributes.name, phase };
  // A parameter, whose class is not known here.
  if (node instanceof Variable)
    return { layer: ('path' in node && String(node.path)) || 'a variable', phase };
  if (node.inputs.length === 0) return { layer: 'a constant', phase };
  return node.origin ?? FUNCTION;
}

/** Describes the first op that made a non-finite value, as a sentence. */
export function describeNonFinite(found: NonFiniteOp): string {
  const { op, shape, dtype, layer, phase, gradientOf, count } = found;
  const values = `${count} of its ${sizeOf(shape)} values`;
  if (op === 'variable' || op === 'constant' || op === 'input') {
    return `${layer} must be finite, but ${values} are not`;
  }
  const type = `${dtype}${formatShape(shape)}`;
  const pass =
    gradientOf === undefined ? `${phase} pass` : `${phase} pass, for the gradient of ${gradientOf}`;
  return `${op} in ${layer} made the first value that is not finite, in the ${pass}: ${values} (${type})`;
}
