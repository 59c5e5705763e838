import type { Worker } from 'node:worker_threads';
import { failed, messageOf } from '../graph/errors.js';

/**
 * Calls a function that starts threads. Where the system refuses one of them, those that it started before are ended.
 *
 * @param what names the threads in the error: `3 worker threads`
 * @throws (rejects) ChainruleError that says what limits their number
 */
export function startThreads<T>(what: string, start: () => T): Promise<T> {
  return new Promise((resolve, reject) => {
    const started: Worker[] = [];
    const note = (worker: Worker) => {
      started.push(worker);
    };
    // Node.js tells of new threads in turns of this queue, so that those told of between two turns are those started here.
    process.nextTick(() => {
      process.nextTick(() => process.on('worker', note));
      try {
        resolve(start());
        process.nextTick(() => process.off('worker', note));
      } catch (cause) {
        process.nextTick(() => {
          process.off('worker', note);
          const ended = Promise.allSettled(started.map((worker) => worker.terminate()));
          void ended.then(() => reject(notStarted(what, cause)));
        });
      }
    });
  });
}

/** The error of threads that the system refuses. */
export function notStarted(what: string, cause: unknown) {
  const limits = 'the limits are those of processes (ulimit -u, pids of a container) and of memory';
  const rule = `${what} could not be started (${messageOf(cause)}); ${limits}`;
  return failed('ERR_CHAINRULE_WORKER_ENDED', 'parallel', rule, { cause });
}
