import type { Task } from '../protocol/job.js';
import type { Timeline } from '../protocol/timeline.js';

// Piscina tries `require` first, and Node.js ends the whole process when a thread is terminated while it requires an ES
// module. To be terminated while it imports one does no harm.
const loading = import('./worker.js');
// Whoever asks for work hears of it.
loading.catch(() => {});

async function work(task: Task): Promise<Timeline | undefined> {
  return (await loading).default(task);
}

export = work;
