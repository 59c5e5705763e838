import { bytesPerElement, type TypedArray } from '../../graph/dtype.js';
import {
  type ConstantAttributes,
  type InputAttributes,
  isInput,
  isNumber,
  Variable,
} from '../../graph/leaf.js';
import { sizeOf } from '../../graph/shapes.js';
import type { Tensor } from '../../graph/tensor.js';
import type { Binding } from '../plan/plan.js';
import type { Buffer } from '../plan/values.js';
import type { Target } from './destinations.js';

/** The tensors by which memory enters and leaves a graph. */
export interface GraphEnds {
  readonly inputs: readonly Tensor<InputAttributes>[];
  /** The outputs, then the next values of the assigned variables. */
  readonly roots: readonly Tensor[];
  readonly assigned: readonly Variable[];
}

/** The bindings of a plan, and what is bound to them. */
export interface Bound {
  readonly bindings: readonly Binding[];
  /** The binding of each leaf that has its own memory. */
  readonly leaves: ReadonlyMap<Tensor, Buffer>;
  /** The roots with their bindings. */
  readonly targets: readonly Target[];
  /** Scalars that the host provides before each run, bound after the inputs. */
  readonly hostScalars: readonly Tensor<InputAttributes>[];
  /** The variables, in the order of their bindings. */
  readonly variables: readonly Variable[];
}

/**
 * Binds memory to a graph: to the inputs, then to its other leaves in trace order, then to its outputs. Variables that
 * are assigned share the binding of their leaf.
 *
 * @param nodes the live nodes in topological order
 */
export function bindEnds({ inputs, roots, assigned }: GraphEnds, nodes: readonly Tensor[]): Bound {
  const leaves = [...new Set<Tensor>([...inputs, ...nodes.filter(hasMemory), ...assigned])];
  const bound = new Map(leaves.map((leaf, index): [Tensor, Buffer] => [leaf, { kind: 'binding', index }]));
  const outputs = roots.slice(0, roots.length - assigned.length);
  const targets = roots.map((value, i): Target => {
    const variable = assigned[i - outputs.length];
    if (variable) return { value, variable, binding: bound.get(variable) as Buffer };
    return { value, binding: { kind: 'binding', index: leaves.length + i } };
  });
  return {
    bindings: [...leaves.map(leafBinding), ...outputs.map(outputBinding)],
    leaves: bound,
    targets,
    hostScalars: leaves.slice(inputs.length).filter(isInput),
    variables: leaves.filter((leaf) => leaf instanceof Variable),
  };
}

/** True for every leaf but a number, which steps hold as an immediate. */
function hasMemory(node: Tensor): boolean {
  return node.op.kernel.family === 'leaf' && !isNumber(node) && node.inputs.length === 0;
}

function leafBinding(leaf: Tensor): Binding {
  const { shape, dtype } = leaf;
  const bytes = sizeOf(shape) * bytesPerElement(dtype);
  if (isInput(leaf)) return { kind: 'input', name: leaf.attributes.name, dtype, shape, bytes };
  if (leaf instanceof Variable) return { kind: 'variable', name: 'variable', dtype, shape, bytes };
  const data = (leaf.attributes as ConstantAttributes).value as TypedArray;
  return { kind: 'constant', name: 'constant', dtype, shape, bytes, data };
}

function outputBinding({ shape, dtype }: Tensor, index: number): Binding {
  const bytes = sizeOf(shape) * bytesPerElement(dtype);
  return { kind: 'output', name: `output ${index}`, dtype, shape, bytes };
}
