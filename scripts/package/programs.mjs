// The programs with which the packages are tried: all train XOR on two workers, and fail unless it is learnt.
import { readFileSync } from 'node:fs';

/** An ES module. */
export const xorProgram = readFileSync(new URL('xor.mjs', import.meta.url), 'utf8');

/** A function `learnXor(chainrule)` that resolves to the loss, for programs of other kinds. */
export const learnXor = `async function learnXor(chainrule) {\n${xorProgram
  .replace(/^import .*\n/m, '')
  .replace(/^console.*$/m, 'return loss;')}}\n`;
