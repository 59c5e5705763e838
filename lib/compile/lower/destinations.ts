import type { Variable } from '../../graph/leaf.js';
import { isNumber } from '../../graph/leaf.js';
import type { Loop } from '../../graph/loop.js';
import { reachable, type Tensor } from '../../graph/tensor.js';
import { link, reaches, type Unit } from '../fuse/units.js';
import type { Buffer } from '../plan/values.js';
import type { Readers } from './readers.js';

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
  const fallible = new Set([...unitOf].filter(([node]) => canFail(node)).map(([, unit]) => unit));
  for (const target of targets) {
    const source = computed(target.value);
    if (isLeafView(source)) {
      before.push(target);
    } else if (source.op.kernel.family === 'view' || isNumber(source) || direct.has(source)) {
      after.push(target);
    } else if (target.variable && !reserve(target.variable, source, unitOf, readers, fallible)) {
      after.push(target);
    } else {
      direct.set(source, target.binding);
    }
  }
  return { direct, before, after };
}

/** The node whose memory holds the value: a reshape of a whole result shares its bytes. */
function computed(value: Tensor): Tensor {
  let node = value;
  while (node.op.kernel.family === 'view' && node.op.kernel.keepsOrder) node = node.input(0);
  return node.op.kernel.family === 'view' ? value : node;
}

/** True if the value is the memory of a leaf, which a later step may overwrite. */
function isLeafView(value: Tensor): boolean {
  let node = value;
  while (node.op.kernel.family === 'view') node = node.input(0);
  return node.op.kernel.family === 'leaf' && !isNumber(node);
}

/** True if the node's kernel can abort the run: an index out of range, a singular matrix. */
function canFail(node: Tensor): boolean {
  const { kernel } = node.op;
  if (kernel.family === 'scan') return reachable((node.attributes as Loop).body.results).some(canFail);
  return kernel.family === 'call' && kernel.call(node).canFail === true;
}

/**
 * Orders all readers of the variable, and all units that can fail, before the unit that computes its next value, so
 * that a failed run leaves every variable unchanged. False if this order is impossible.
 */
function reserve(
  variable: Variable,
  value: Tensor,
  unitOf: ReadonlyMap<Tensor, Unit>,
  readers: Readers,
  fallible: ReadonlySet<Unit>,
): boolean {
  const writer = unitOf.get(value) as Unit;
  if (fallible.has(writer)) return false;
  const earlier = new Set(fallible);
  for (const { node, viewed } of readersOf(variable, readers)) {
    const unit = unitOf.get(node) as Unit;
    // Writing in place is safe only if the program reads and writes the same index.
    if (unit === writer && (viewed || value.op.kernel.family !== 'map')) return false;
    if (unit !== writer) earlier.add(unit);
  }
  if ([...earlier].some((unit) => reaches(writer, unit))) return false;
  for (const unit of earlier) link(unit, writer);
  return true;
}

/** The nodes that read a leaf, directly or through views. */
function readersOf(leaf: Tensor, readers: Readers) {
  const found: { node: Tensor; viewed: boolean }[] = [];
  const stack: { node: Tensor; viewed: boolean }[] = [{ node: leaf, viewed: false }];
  for (let top = stack.pop(); top; top = stack.pop()) {
    for (const node of readers.get(top.node) ?? []) {
      if (node.op.kernel.family === 'view') stack.push({ node, viewed: true });
      else found.push({ node, viewed: top.viewed });
    }
  }
  return found;
}
