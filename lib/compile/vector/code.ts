import { at } from '../../graph/at.js';
import type { Operations } from '../plan/kernels.js';
import type { ProgramInstruction } from '../plan/plan.js';

/**
 * The instructions of a vector program, before its operands and outputs are known. Register `i` holds operand `i`, then
 * each instruction defines the next.
 */
export interface Code {
  /** For each operand, true if it is one element for all elements of the step. */
  readonly operands: readonly boolean[];
  readonly instructions: readonly ProgramInstruction[];
  /** The registers that are stored to outputs. */
  readonly stored: readonly number[];
  /** The registers that reductions read. */
  readonly reduced: readonly number[];
}

/** For each register, true if it is one element for all: the result of an operation on scalars is one, but of a copy. */
export function scalarsOf({ operands, instructions }: Code): boolean[] {
  const scalars = [...operands];
  for (const instruction of instructions) scalars.push(isScalar(instruction, scalars));
  return scalars;
}

export function isScalar({ code, inputs }: ProgramInstruction, scalars: readonly boolean[]): boolean {
  if (code === 'constant') return true;
  return code !== 'uniform' && code !== 'copy' && inputs.every((input) => at(scalars, input));
}

/** True if there is a loop for an operation on these inputs. Scalar results are computed once, without scalar inputs. */
export function hasLoop(
  { code, inputs }: ProgramInstruction,
  scalars: readonly boolean[],
  operations: Operations,
): boolean {
  const mask = inputs.reduce((bits, input, k) => bits | (Number(at(scalars, input)) << k), 0);
  const needed = isScalar({ code, inputs }, scalars) ? 0 : mask;
  return operations.get(code)?.loops.includes(needed) === true;
}

/** The number of uses of each register, by results and by instructions that are used themselves. */
export function countUses({ operands, instructions, stored, reduced }: Code): number[] {
  const uses = new Array<number>(operands.length + instructions.length).fill(0);
  const use = (register: number) => {
    uses[register] = at(uses, register) + 1;
  };
  for (const result of [...stored, ...reduced]) use(result);
  for (let i = instructions.length - 1; i >= 0; i--) {
    if (at(uses, operands.length + i) > 0) at(instructions, i).inputs.forEach(use);
  }
  return uses;
}
