import { at } from '../../graph/at.js';
import { isNumber, numberOf } from '../../graph/leaf.js';
import type { Layout } from '../../graph/op.js';
import type { Tensor } from '../../graph/tensor.js';
import type { ComputeType } from '../fuse/space.js';
import type { Operations } from '../plan/kernels.js';
import type { Program, ProgramInstruction } from '../plan/plan.js';
import { contiguous, sameLayout, type Value } from '../plan/values.js';
import { optimise } from '../vector/optimise.js';

/** What a unit's vector program is made of. */
export interface ProgramSource {
  /** The element-wise nodes to compute, in topological order. */
  readonly nodes: readonly Tensor[];
  /** The nodes whose values leave the program, and their destinations. */
  readonly stored: ReadonlyMap<Tensor, Value>;
  /** The nodes whose values are reduced: of the program, or from outside. */
  readonly reduced?: readonly Tensor[];
  /** The iteration shape and the arithmetic type. */
  readonly space: { readonly shape: readonly number[]; readonly compute: ComputeType };
}

/** A vector program, and the registers of the values that are reduced. */
export interface LoweredProgram {
  readonly program: Program<Value>;
  readonly reduced: readonly number[];
}

/** Lowers the element-wise nodes of a unit to one vector program. */
export function lowerProgram(
  { nodes, stored, reduced = [], space }: ProgramSource,
  operations: Operations,
  resolve: (node: Tensor) => Value,
): LoweredProgram {
  const inside = new Set(nodes);
  const outside = new Set(
    [...nodes.flatMap((node) => node.inputs), ...reduced].filter((x) => !inside.has(x)),
  );
  const operands: Value[] = [];
  const registers = new Map<Tensor, number>();
  for (const node of outside) {
    if (isNumber(node)) continue;
    const value = resolve(node);
    let register = operands.findIndex((x) => x.buffer === value.buffer && sameLayout(x.layout, value.layout));
    if (register < 0) register = operands.push(value) - 1;
    registers.set(node, register);
  }
  const instructions: ProgramInstruction[] = [];
  const emit = (instruction: ProgramInstruction) => operands.length + instructions.push(instruction) - 1;
  const constant = (value: number) => emit({ code: 'constant', inputs: [], value });
  for (const node of outside) if (isNumber(node)) registers.set(node, constant(numberOf(node)));
  const registerOf = (node: Tensor) => registers.get(node) as number;
  for (const node of nodes) {
    if (node.op.kernel.family !== 'map') continue;
    const { code, value } = node.op.kernel.instruction(node.attributes, node.dtype);
    const inputs = node.inputs.map(registerOf);
    const isImmediate = value !== undefined && operations.get(code) !== undefined;
    // The immediate value of an operation is its last input.
    if (isImmediate) registers.set(node, emit({ code, inputs: [...inputs, constant(value)] }));
    else registers.set(node, emit({ code, inputs, ...(value !== undefined && { value }) }));
  }
  const code = optimise(
    {
      operands: operands.map(({ layout }) => isOneElement(layout)),
      instructions,
      stored: [...stored.keys()].map(registerOf),
      reduced: reduced.map(registerOf),
    },
    operations,
  );
  return {
    program: {
      ...space,
      operands,
      instructions: code.instructions,
      results: code.stored,
      outputs: [...stored.values()],
    },
    reduced: code.reduced,
  };
}

/** True if a value is one element, repeated over its whole shape. */
function isOneElement({ shape, strides }: Layout): boolean {
  return shape.every((size, axis) => size === 1 || at(strides, axis) === 0);
}

/** The value of a node's whole result, contiguous in a buffer. */
export function wholeValue(node: Tensor, buffer: Value['buffer']): Value {
  return { buffer, layout: contiguous(node.shape), dtype: node.dtype };
}
