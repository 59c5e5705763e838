import type { Piscina } from 'piscina';
import { type ChainruleError, failed, messageOf } from '../../graph/errors.js';
import { type Outcome, resultOf } from '../../graph/outcome.js';

/**
 * Runs a task on a thread of a pool whose entry returns an `Outcome`, and returns the result or throws the error.
 *
 * @throws `ended` if a thread of the pool ends meanwhile; other rejections of the pool as they are, such as that of a
 *   task that cannot be cloned
 */
export async function ask<T>(pool: Piscina, task: unknown): Promise<T> {
  const threads = pool.threads;
  const outcome: Outcome<T> = await pool.run(task).catch((cause: unknown) => {
    // A pool forgets a thread that ends before it rejects the thread's task.
    throw threads.every((thread) => pool.threads.includes(thread)) ? cause : ended(cause);
  });
  return resultOf(outcome);
}

/** The error of a thread that has ended. */
export function ended(cause: unknown): ChainruleError {
  const expected = `a worker thread was ended before its work was done (${messageOf(cause)})`;
  return failed('ERR_CHAINRULE_WORKER_ENDED', 'parallel', expected, { cause });
}
