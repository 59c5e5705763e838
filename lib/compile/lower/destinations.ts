import { follower } from '../../graph/follow.js';
import type { Variable } from '../../graph/leaf.js';
import { isNumber } from '../../graph/leaf.js';
import type { Tensor } from '../../graph/tensor.js';
import type { Unit } from '../fuse/units.js';
import type { Buffer } from '../plan/values.js';
import type { Readers } from './readers.js';
import { type Write, WriteOrder } from './write-order.js';

/** A value that leaves the plan, and the binding that receives it. */
export interface Target {
  readonly value: Tensor;
  readonly binding: Buffer;
  /** The variable that is assigned, if the target is one. */
  readonly variable?: Variable;
}

/** The writer of each target: the step that computes its value, or a copy before or after all steps. */
export interface Destinations {
  readonly direct: ReadonlyMap<Tensor, Buffer>;
  readonly before: readonly Target[];
  readonly after: readonly Target[];
  /** A unit without nodes, to be scheduled with the others: see `WriteOrder`. */
  readonly fence: Unit | undefined;
}

/**
 * Lets the step that computes a value write it directly to its binding where that is safe; other values are copied. A
 * variable is safe to write if every other reader of its old value, and every step that can fail, runs first; links
 * added between units enforce this order.
 */
export function chooseDestinations(
  targets: readonly Target[],
  unitOf: ReadonlyMap<Tensor, Unit>,
  readers: Readers,
): Destinations {
  const direct = new Map<Tensor, Buffer>();
  const before: Target[] = [];
  const after: Target[] = [];
  const [viewed, reshaped] = [follower(isView), follower(keepsOrder)];
  /** The node whose memory holds the value: a reshape of a whole result shares its bytes. */
  const computed = (value: Tensor) => (isView(reshaped(value)) ? value : reshaped(value));
  const isLeafView = (value: Tensor) => hasMemory(viewed(value));
  const writes = targets.flatMap(({ value, variable }): Write[] =>
    variable && !isLeafView(value) ? [{ variable, value: computed(value) }] : [],
  );
  const order = new WriteOrder(writes, unitOf, readers);
  for (const target of targets) {
    const source = computed(target.value);
    if (isLeafView(source)) {
      before.push(target);
    } else if (isView(source) || isNumber(source) || direct.has(source)) {
      after.push(target);
    } else if (target.variable && !order.reserve({ variable: target.variable, value: source })) {
      after.push(target);
    } else {
      direct.set(source, target.binding);
    }
  }
  return { direct, before, after, fence: order.fence };
}

function isView({ op }: Tensor): boolean {
  return op.kernel.family === 'view';
}

function keepsOrder({ op: { kernel } }: Tensor): boolean {
  return kernel.family === 'view' && kernel.keepsOrder === true;
}

/** True for the memory of a leaf, which a later step may overwrite. */
function hasMemory(node: Tensor): boolean {
  return node.op.kernel.family === 'leaf' && !isNumber(node);
}
