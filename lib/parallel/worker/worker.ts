import { workerData } from 'node:worker_threads';
import { Control } from '../protocol/control.js';
import type { Job, ShardedData, Task } from '../protocol/job.js';
import type { Timeline } from '../protocol/timeline.js';
import { Evaluator } from './evaluate-shards.js';
import { RowLoader } from './loader.js';
import { WorkerMemory } from './local-memory.js';
import { lowerPriority } from './lower-priority.js';
import { measureState } from './measure-state.js';
import { Recorder } from './recorder.js';
import { StepRunners } from './step-runner.js';
import { EpochTrainer } from './train-epoch.js';

const job = workerData as Job;
// On Linux this sets the priority of the calling thread alone; elsewhere it would be that of the whole process.
if (job.nice && process.platform === 'linux') lowerPriority(job.nice);

/** Memory of all plans of this thread, which run one after another. */
const memory = new WorkerMemory();
let trainer: EpochTrainer | undefined;
let evaluator: Evaluator | undefined;
let steps: StepRunners | undefined;

/**
 * Does one task, which may comprise many steps. The value of a profile is its timeline. A failure releases the other
 * workers.
 */
export async function work(task: Task): Promise<Timeline | undefined> {
  try {
    return await perform(task);
  } catch (error) {
    release();
    throw error;
  }
}

/** Releases the other workers, which takes the addon; where it cannot be loaded, the main thread does so. */
function release(): void {
  try {
    new Control(job.control).abort();
  } catch {}
}

/** Opens the source of the data, which takes no addon, and lets everything after that end with the job. */
async function loaderOf(data: ShardedData): Promise<RowLoader> {
  const loader = await RowLoader.open(data, job.seed);
  new Control(job.control).abortsRuns();
  return loader;
}

async function perform(task: Task): Promise<Timeline | undefined> {
  if (task.kind === 'train' && job.training) {
    trainer ??= new EpochTrainer(job, job.training, await loaderOf(job.training), memory);
    trainer.run(task.rank, task);
  } else if (task.kind === 'evaluate' && job.evaluation) {
    evaluator ??= new Evaluator(job, job.evaluation, await loaderOf(job.evaluation), memory);
    evaluator.run(task.rank);
  } else if (task.kind === 'measure' && job.training) {
    measureState(job.training, task.rank, job.workers);
  } else if (task.kind === 'step') {
    new Control(job.control).abortsRuns();
    steps ??= new StepRunners(job, memory);
    steps.run(task.rank, task);
  } else if (task.kind === 'forget') {
    steps?.forget(task.ids);
    memory.release();
    // Else a worker that is done could take the task of one that has not begun.
    new Control(job.control).meet(job.workers, task.rank);
  } else if (task.kind === 'profile' && job.training) {
    const loader = await loaderOf(job.training);
    const recorder = new Recorder(job.training, task.origin);
    new EpochTrainer(job, job.training, loader, memory, recorder).run(task.rank, task);
    return recorder.timeline();
  }
  return undefined;
}
