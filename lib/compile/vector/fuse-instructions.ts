import { at } from '../../graph/at.js';
import type { FusedOperation, Operations } from '../plan/kernels.js';
import type { ProgramInstruction } from '../plan/plan.js';
import { type Code, countUses, hasLoop, scalarsOf } from './code.js';

/**
 * Joins an instruction whose result has a single use into its user, where the vector machine has an operation that
 * computes both in one pass. The joined instructions stay, without uses.
 */
export function fuseInstructions(code: Code, operations: Operations): Code {
  const { operands } = code;
  if (!code.instructions.some(({ code: outer }) => operations.fusionsOf(outer).length > 0)) return code;
  const instructions = [...code.instructions];
  let fused = false;
  const scalars = scalarsOf(code);
  const uses = countUses(code);

  const join = (
    outer: ProgramInstruction,
    operation: FusedOperation,
    place: number,
  ): ProgramInstruction | null => {
    const register = at(outer.inputs, place);
    const inner = instructions[register - operands.length];
    const { inner: wanted, place: target } = operation.fusion;
    if (inner?.code !== wanted || uses[register] !== 1 || scalars[register]) return null;
    const inputs = [...outer.inputs];
    [inputs[place], inputs[target]] = [at(inputs, target), at(inputs, place)];
    inputs.splice(target, 1, ...inner.inputs);
    const joined = { code: operation.code, inputs };
    if (!hasLoop(joined, scalars, operations)) return null;
    uses[register] = 0;
    return joined;
  };

  const joinAny = (outer: ProgramInstruction): ProgramInstruction | null => {
    for (const operation of operations.fusionsOf(outer.code)) {
      const { place } = operation.fusion;
      const joined =
        join(outer, operation, place) ??
        (operations.get(outer.code)?.commutes ? join(outer, operation, 1 - place) : null);
      if (joined) return joined;
    }
    return null;
  };

  instructions.forEach((_, i) => {
    const register = operands.length + i;
    if (scalars[register] || uses[register] === 0) return;
    for (let joined = joinAny(at(instructions, i)); joined; joined = joinAny(joined)) {
      instructions[i] = joined;
      fused = true;
    }
  });
  return fused ? { ...code, instructions } : code;
}
