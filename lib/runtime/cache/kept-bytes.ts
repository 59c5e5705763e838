import type { Plan } from '../../compile/plan/plan.js';
import type { TypedArray } from '../../graph/dtype.js';
import { storedValue } from '../../graph/leaf.js';
import type { Tensor } from '../../graph/tensor.js';
import { addon } from '../addon.js';
import { encodePlan } from '../encode.js';
import { clockedSteps } from '../executable.js';

/** Bytes of the description of a step, here and in the addon, and of a node: measured, and rounded up. */
const STEP_BYTES = 4096;
const NODE_BYTES = 1024;

/** The bytes that an executable of a plan takes besides the arena: scratch of kernels, and descriptions of steps. */
export function kernelBytes(plan: Plan): number {
  const known = counted.get(plan);
  if (known !== undefined) return known;
  const bytes = STEP_BYTES * clockedSteps(plan).length + addon().scratchBytes(encodePlan(plan));
  counted.set(plan, bytes);
  return bytes;
}

const counted = new WeakMap<Plan, number>();

/** The bytes of a graph of these nodes, without the values of its leaves. */
export function graphBytes(nodes: readonly Tensor[]): number {
  return NODE_BYTES * nodes.length;
}

/**
 * The bytes of the constants that a function made while it was traced. Others would be in memory without its plan.
 *
 * @param nodes the graph that was compiled
 * @param firstId the id of the first node that the function made
 */
export function ownConstantBytes({ bindings }: Plan, nodes: readonly Tensor[], firstId: number): number {
  const earlier = new Set<TypedArray | undefined>(nodes.filter(({ id }) => id < firstId).map(storedValue));
  const own = new Set(bindings.flatMap(({ data }) => (data && !earlier.has(data) ? [data] : [])));
  return [...own].reduce((sum, { byteLength }) => sum + byteLength, 0);
}
