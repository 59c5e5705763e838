import { isFloat } from '../../graph/dtype.js';
import { constantOp, equalsNumber, isNumber, numberOf } from '../../graph/leaf.js';
import type { OpRecord } from '../../graph/op.js';
import { remade } from '../../graph/scope.js';
import { sameShape } from '../../graph/shapes.js';
import { reachable, Tensor } from '../../graph/tensor.js';
import { addOp } from '../../ops/primitives/elementwise.js';
import { SliceJoiner } from './join-slices.js';

/**
 * Rewrites the graph below `roots` to an equivalent one with less work: common subexpressions are computed once, views
 * of a number become numbers, identities and neutral operands are removed, sums of adjacent slices are joined, and a
 * reduction over scattered axes becomes several over adjacent ones. Leaves keep their identity.
 *
 * @returns the rewritten roots, in order
 */
export function simplify(roots: readonly Tensor[]): Tensor[] {
  const rewritten = new Map<Tensor, Tensor>();
  const known = new Map<string, Tensor>();
  let changed = false;
  /** The first of all equal nodes. */
  const share = (node: Tensor): Tensor => {
    const key = keyOf(node);
    if (key === null) return node;
    const existing = known.get(key) ?? node;
    known.set(key, existing);
    return existing;
  };
  const nodes = reachable(roots);
  const joiner = new SliceJoiner(nodes, roots);
  for (const node of nodes) {
    const inputs = node.inputs.map((input) => rewritten.get(input) as Tensor);
    const candidate: Tensor = remade(node, () => {
      const found = joiner.settled(node, rewrite(node, inputs, share, joiner));
      // Once a node is new, so are all after it: ids keep the order of the trace, which plans follow.
      return found === node && changed ? renew(node, inputs) : found;
    });
    changed ||= candidate !== node;
    rewritten.set(node, share(candidate));
  }
  return roots.map((root) => rewritten.get(root) as Tensor);
}

function rewrite(
  node: Tensor,
  inputs: readonly Tensor[],
  share: (made: Tensor) => Tensor,
  joiner: SliceJoiner,
): Tensor {
  const [a, b] = inputs;
  const { kernel, laws = {} } = node.op;
  if (kernel.family === 'identity') return a as Tensor;
  if (kernel.family === 'view' && a && isNumber(a)) return number(node, numberOf(a));
  if (a && b) {
    const { left, right } = laws.neutral ?? {};
    if (left !== undefined && equalsNumber(a, left)) return b;
    if (right !== undefined && equalsNumber(b, right)) return a;
    if (node.op === addOp) {
      const sum = joiner.add(a, b, () => remake(node, inputs));
      if (sum) return sum;
      const operands = inputs.map((x) => joiner.joined(x));
      if (operands.some((x, i) => x !== inputs[i])) return remake(node, operands);
    }
  }
  // Integers wrap around, which numbers of JavaScript do not.
  if (laws.fold && isFloat(node.dtype) && inputs.every(isNumber)) {
    return number(node, laws.fold(...inputs.map(numberOf)));
  }
  if (laws.involution && a?.op === node.op) return a.input(0);
  if (keepsOrder(node) && a && keepsOrder(a)) return reshaped(node, a.input(0));
  if (kernel.family === 'reduce' && a) return reduceByRuns(node, a, kernel.axes(node.attributes), share);
  return remake(node, inputs);
}

/** The node with other inputs; the node itself if they are its own. */
function remake(node: Tensor, inputs: readonly Tensor[]): Tensor {
  const same = inputs.every((input, i) => input === node.inputs[i]);
  return same ? node : new Tensor(node.op, inputs, node.attributes);
}

function keepsOrder({ op: { kernel } }: Tensor): boolean {
  return kernel.family === 'view' && kernel.keepsOrder === true;
}

/** A new copy of the node; a leaf, which is equal only to itself, stays. */
function renew(node: Tensor, inputs: readonly Tensor[]): Tensor {
  return node.op.kernel.family === 'leaf' ? node : new Tensor(node.op, inputs, node.attributes);
}

function reshaped(node: Tensor, x: Tensor): Tensor {
  return sameShape(node.shape, x.shape) ? x : new Tensor(node.op, [x], node.attributes);
}

/** Reduces one run of adjacent axes at a time, the last one first, so that each kernel sees [A, R, B]. */
function reduceByRuns(
  node: Tensor,
  x: Tensor,
  axes: readonly number[],
  share: (made: Tensor) => Tensor,
): Tensor {
  const runs: number[][] = [];
  for (const axis of axes) {
    const run = runs.at(-1);
    if (run?.at(-1) === axis - 1) run.push(axis);
    else runs.push([axis]);
  }
  if (runs.length === 1 && x === node.inputs[0]) return node;
  const op = node.op as OpRecord<{ axes: readonly number[] }>;
  return runs.reduceRight<Tensor>((input, run) => share(new Tensor(op, [input], { axes: run })), x);
}

function number({ shape, dtype }: Tensor, value: number): Tensor {
  return new Tensor(constantOp, [], { shape, dtype, value });
}

/**
 * A key of the node's value: equal keys mean equal values. Null for a leaf that is equal only to itself.
 *
 * @param nameOf returns a name of an input's value; by default its id, which is that of the first of equal nodes
 */
export function keyOf(node: Tensor, nameOf = ({ id }: Tensor): string => String(id)): string | null {
  if (node.op.kernel.family === 'leaf' && !isNumber(node)) return null;
  const inputs = node.inputs.map(nameOf).join(',');
  const attributes =
    Object.keys(node.attributes as object).length > 0 ? JSON.stringify(node.attributes, exactly) : '';
  return `${node.op.kind}(${inputs})${node.dtype}${attributes}`;
}

/** JSON replacer that keeps -0, NaN and the infinities distinct, which JSON cannot express. */
function exactly(_: string, value: unknown): unknown {
  return typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0))
    ? `#${fixed(value)}`
    : value;
}

function fixed(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}
