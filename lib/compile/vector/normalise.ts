import { at } from '../../graph/at.js';
import type { Operations } from '../plan/kernels.js';
import type { ProgramInstruction } from '../plan/plan.js';
import { type Code, isScalar } from './code.js';

/** Comparisons that are written as their mirror image, so that fusions and loops need only one of the two. */
const mirrored: ReadonlyMap<string, string> = new Map([
  ['lt', 'gt'],
  ['le', 'ge'],
]);

/** Powers that are products or roots, by exponent. */
const powers: ReadonlyMap<number, string> = new Map([
  [2, 'square'],
  [0.5, 'sqrt'],
  [-1, 'reciprocal'],
]);

/**
 * Writes equivalent instructions in one form: scalars of commutative operations stand on the right, `a < b` is `b > a`,
 * and powers by 2, 1, 0.5 and -1 are products, the base itself, roots and quotients. A result that is a scalar, or an
 * operand that an output may overwrite, is copied.
 */
export function normalise(code: Code, operations: Operations): Code {
  const { operands } = code;
  const made: ProgramInstruction[] = [];
  const scalars = [...operands];
  const emit = (instruction: ProgramInstruction): number => {
    scalars.push(isScalar(instruction, scalars));
    return operands.length + made.push(instruction) - 1;
  };
  const registers = [...operands.keys()];
  for (const instruction of code.instructions) {
    const inputs = instruction.inputs.map((input) => at(registers, input));
    const { code: name } = instruction;
    const [first, second] = inputs;
    if (first === undefined || second === undefined) {
      registers.push(emit({ ...instruction, inputs }));
    } else if (operations.get(name)?.commutes && at(scalars, first) && !at(scalars, second)) {
      registers.push(emit({ code: name, inputs: [second, first] }));
    } else if (mirrored.has(name)) {
      registers.push(emit({ code: mirrored.get(name) as string, inputs: [second, first] }));
    } else {
      const exponent = name === 'pow' ? made[second - operands.length] : undefined;
      const value = exponent?.code === 'constant' ? exponent.value : undefined;
      const simpler = powers.get(value as number);
      if (value === 1) registers.push(first);
      else registers.push(emit(simpler ? { code: simpler, inputs: [first] } : { ...instruction, inputs }));
    }
  }
  const settled = (result: number): number => {
    const register = at(registers, result);
    const overwritten = code.stored.length > 0 && register < operands.length;
    return at(scalars, register) || overwritten ? emit({ code: 'copy', inputs: [register] }) : register;
  };
  const stored = code.stored.map(settled);
  const reduced = code.reduced.map(settled);
  return { operands, instructions: made, stored, reduced };
}
