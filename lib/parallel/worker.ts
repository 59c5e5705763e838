import { workerData } from 'node:worker_threads';
import { Control } from './control.js';
import { Evaluator } from './evaluate.js';
import type { Job, Task } from './job.js';
import { EpochTrainer } from './train-epoch.js';

const job = workerData as Job;
let trainer: EpochTrainer | undefined;
let evaluator: Evaluator | undefined;

/** What the pool calls: one task, which may be many steps. A failure releases the other workers. */
export default function work(task: Task): void {
  try {
    perform(task);
  } catch (error) {
    new Control(job.control).abort();
    throw error;
  }
}

function perform(task: Task): void {
  if (task.kind === 'train' && job.training) {
    trainer ??= new EpochTrainer(job, job.training);
    trainer.run(task.rank, task.epoch, task.firstStep);
  } else if (task.kind === 'evaluate' && job.evaluation) {
    evaluator ??= new Evaluator(job, job.evaluation);
    evaluator.run(task.rank);
  }
}
