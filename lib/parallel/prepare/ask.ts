import type { Piscina } from 'piscina';
import { type ChainruleError, failed, messageOf } from '../../graph/errors.js';
import { type Outcome, resultOf } from '../../graph/outcome.js';

/** Runs a task on a thread of a pool whose entry returns an `Outcome`, and returns the result or throws the error. */
export async function ask<T>(pool: Piscina, task: unknown): Promise<T> {
  const outcome: Outcome<T> = await pool.run(task).catch((cause: unknown) => {
    throw ended(cause);
  });
  return resultOf(outcome);
}

/** The error of a thread that has ended. Only that makes a pool reject: what a task throws is part of its outcome. */
export function ended(cause: unknown): ChainruleError {
  const expected = `a worker thread was ended before its work was done (${messageOf(cause)})`;
  return failed('ERR_CHAINRULE_WORKER_ENDED', 'parallel', expected, { cause });
}
