import { at } from '../../graph/at.js';
import type { ProgramInstruction } from '../plan/plan.js';
import { type Code, countUses } from './code.js';

/** Drops the instructions that contribute to no result. */
export function dropUnused(code: Code): Code {
  const { operands } = code;
  const uses = countUses(code);
  if (code.instructions.every((_, i) => at(uses, operands.length + i) > 0)) return code;
  const registers = [...operands.keys()];
  const renamed = (register: number) => at(registers, register);
  const instructions: ProgramInstruction[] = [];
  code.instructions.forEach((instruction, i) => {
    const isUsed = at(uses, operands.length + i) > 0;
    registers.push(operands.length + instructions.length);
    if (isUsed) instructions.push({ ...instruction, inputs: instruction.inputs.map(renamed) });
  });
  return { operands, instructions, stored: code.stored.map(renamed), reduced: code.reduced.map(renamed) };
}
