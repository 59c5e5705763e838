import { at } from '../graph/at.js';
import { isFloat, type TypedArray } from '../graph/dtype.js';
import { input } from '../graph/leaf.js';
import { reachable, Tensor } from '../graph/tensor.js';
import {
  applyCustom,
  type CustomGradientAttributes,
  customGradientOp,
} from '../ops/primitives/custom-gradient.js';
import { GraphRun } from '../runtime/graph-run.js';
import { type Comparison, compareGradients, type Tolerance } from './differences.js';
import { isChecked, type Leaf, type Subject } from './subject.js';

/** An op whose own gradient rule disagrees with differences of the op alone. */
export interface Culprit extends Comparison {
  /** The op's kind; for a custom gradient, followed by the function's name. */
  readonly op: string;
}

/** Result of the search for the op whose rule is wrong. */
export interface Search {
  readonly culprit?: Culprit;
  /** Kinds of the float ops on the path through which no gradient flows. */
  readonly cut: readonly string[];
}

/** Number of entries checked for each input of a single op: enough to reveal a wrong rule. */
const ENTRIES = 256;

/**
 * Finds the first op between the checked leaves and the outputs whose rule disagrees, by checking each op alone, at
 * the values that it has in the graph.
 */
export async function findCulprit(subject: Subject, tolerance: Tolerance): Promise<Search> {
  const { leaves, outputs } = subject;
  const path = between(leaves.filter(isChecked), outputs);
  const cut = path.filter(({ op, dtype }) => !op.grad && isFloat(dtype)).map(({ op }) => op.kind);
  const suspects = path.filter(({ op, dtype }) => op.grad && dtype === 'float64');
  const values = await valuesOf(subject, suspects);
  for (const node of suspects) {
    const local = alone(node, values);
    const [worst] = await compareGradients(local, { ...tolerance, entries: ENTRIES });
    if (worst && worst.error > tolerance.relative) {
      return { culprit: { ...worst, op: nameOf(node) }, cut: [...new Set(cut)] };
    }
  }
  return { cut: [...new Set(cut)] };
}

/** The nodes that depend on a leaf, in topological order, without the leaves. */
function between(leaves: readonly Leaf[], outputs: readonly Tensor[]): Tensor[] {
  const depends = new Set<Tensor>(leaves.map(({ node }) => node));
  return reachable(outputs).filter((node) => {
    if (!node.inputs.some((x) => depends.has(x))) return false;
    depends.add(node);
    return true;
  });
}

async function valuesOf({ leaves }: Subject, nodes: readonly Tensor[]): Promise<Map<Tensor, TypedArray>> {
  const needed = [...new Set(nodes.flatMap(argumentsOf))];
  const run = new GraphRun(
    leaves.map(({ node }) => node),
    needed,
  );
  try {
    const found = await run.run(leaves.map((leaf) => leaf.values));
    return new Map(needed.map((node, i) => [node, at(found, i)]));
  } finally {
    run.release();
  }
}

/** The graph of a single op over inputs of its own. */
function alone(node: Tensor, values: ReadonlyMap<Tensor, TypedArray>): Subject {
  const leaves = argumentsOf(node).map((x, i): Leaf => {
    const label = `input ${i}`;
    return { label, node: input(label, x.shape, x.dtype), values: values.get(x) as TypedArray };
  });
  const inputs = leaves.map((leaf) => leaf.node);
  const output = isCustom(node)
    ? applyCustom(node.attributes, inputs)
    : new Tensor(node.op, inputs, node.attributes);
  return { leaves, outputs: [output] };
}

// The first input of a custom gradient is the function's value, which follows from the arguments.
function argumentsOf(node: Tensor): readonly Tensor[] {
  return isCustom(node) ? node.inputs.slice(1) : node.inputs;
}

function isCustom(node: Tensor): node is Tensor<CustomGradientAttributes> {
  return node.op === customGradientOp;
}

function nameOf(node: Tensor): string {
  return isCustom(node) ? node.attributes.name : node.op.kind;
}
