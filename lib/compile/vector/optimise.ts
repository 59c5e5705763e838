import type { Operations } from '../plan/kernels.js';
import { VERIFIES } from '../plan/verifies.js';
import type { Code } from './code.js';
import { dropUnused } from './drop-unused.js';
import { fuseInstructions } from './fuse-instructions.js';
import { normalise } from './normalise.js';
import { verifyCode, verifySame } from './verify-code.js';

/** Rewrites the instructions of a vector program to fewer and faster ones, which the vector machine then runs as they are. */
export function optimise(code: Code, operations: Operations): Code {
  const optimised = dropUnused(fuseInstructions(normalise(code, operations), operations));
  if (VERIFIES) {
    verifyCode(optimised, operations);
    verifySame(code, optimised, operations);
  }
  return optimised;
}
