import type { Outcome } from '../../graph/outcome.js';
import type { Task } from '../protocol/job.js';
import type { Timeline } from '../protocol/timeline.js';

// Piscina tries `require` first, and Node.js ends the whole process if a thread is terminated while it requires an ES
// module; terminating a thread while it imports one is harmless.
const outcomes = import('../../graph/outcome.js');
const loading = import('./worker.js');
// A failure is reported by the first task.
outcomes.catch(() => {});
loading.catch(() => {});

/** Entry point of the pool. That the worker cannot be loaded is an outcome as well. */
async function work(task: Task): Promise<Outcome<Timeline | undefined>> {
  const { outcomeOf } = await outcomes;
  return outcomeOf(async () => (await loading).work(task));
}

export = work;
