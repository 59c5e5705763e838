import type { Outcome } from '../../graph/outcome.js';
import type { Task } from '../protocol/job.js';
import type { Timeline } from '../protocol/timeline.js';

// Piscina tries `require` first, and Node.js ends the whole process if a thread is terminated while it requires an ES
// module; terminating a thread while it imports one is harmless.
const loading = import('./worker.js');
// A failure is reported by the first task.
loading.catch(() => {});

async function work(task: Task): Promise<Outcome<Timeline | undefined>> {
  return (await loading).default(task);
}

export = work;
