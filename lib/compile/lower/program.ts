import { isNumber, numberOf } from '../../graph/leaf.js';
import type { Tensor } from '../../graph/tensor.js';
import type { ComputeType } from '../fuse/space.js';
import type { Program, ProgramInstruction } from '../plan/plan.js';
import { contiguous, sameLayout, type Value } from '../plan/values.js';

/** A vector program under construction, and the register of each node's value. */
export interface DraftProgram {
  readonly program: Program<Value>;
  readonly registerOf: ReadonlyMap<Tensor, number>;
}

/**
 * Lowers the element-wise nodes of a unit to one vector program.
 *
 * @param nodes the nodes to compute, in topological order
 * @param inputs outside values to load even if no node of the program reads them
 * @param stored the nodes whose values leave the program, and their destinations
 * @param space the iteration shape and the arithmetic type
 */
export function writeProgram(
  nodes: readonly Tensor[],
  inputs: readonly Tensor[],
  stored: ReadonlyMap<Tensor, Value>,
  { shape, compute }: { shape: readonly number[]; compute: ComputeType },
  resolve: (node: Tensor) => Value,
): DraftProgram {
  const inside = new Set(nodes);
  const outside = new Set([...nodes.flatMap((node) => node.inputs), ...inputs].filter((x) => !inside.has(x)));
  const operands: Value[] = [];
  const registerOf = new Map<Tensor, number>();
  for (const node of outside) {
    if (isNumber(node)) continue;
    const value = resolve(node);
    let register = operands.findIndex((x) => x.buffer === value.buffer && sameLayout(x.layout, value.layout));
    if (register < 0) register = operands.push(value) - 1;
    registerOf.set(node, register);
  }
  const instructions: ProgramInstruction[] = [];
  const emit = (node: Tensor, instruction: ProgramInstruction) =>
    registerOf.set(node, operands.length + instructions.push(instruction) - 1);
  for (const node of outside) {
    if (!isNumber(node)) continue;
    emit(node, {
      code: 'constant',
      inputs: [],
      value: numberOf(node),
    });
  }
  for (const node of nodes) {
    if (node.op.kernel.family !== 'map') continue;
    emit(node, {
      ...node.op.kernel.instruction(node.attributes),
      inputs: node.inputs.map((input) => registerOf.get(input) as number),
    });
  }
  const results = [...stored.keys()].map((node) => registerOf.get(node) as number);
  return {
    program: { compute, shape, operands, instructions, results, outputs: [...stored.values()] },
    registerOf,
  };
}

/** The value of a node's whole result, contiguous in a buffer. */
export function wholeValue(node: Tensor, buffer: Value['buffer']): Value {
  return { buffer, layout: contiguous(node.shape), dtype: node.dtype };
}
