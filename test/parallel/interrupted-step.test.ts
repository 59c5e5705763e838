import { createHash } from 'node:crypto';
import { nn, optim } from 'chainrule';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { batchLoss } from '#lib/nn/losses/batch-loss.js';
import { Control } from '#lib/parallel/protocol/control.js';
import type { EpochStart, Job, TrainingJob } from '#lib/parallel/protocol/job.js';
import { ShareProgress } from '#lib/parallel/protocol/share-progress.js';
import { viewInto } from '#lib/parallel/protocol/shared-memory.js';
import { RowLoader } from '#lib/parallel/worker/loader.js';
import { WorkerMemory } from '#lib/parallel/worker/local-memory.js';
import { EpochTrainer } from '#lib/parallel/worker/train-epoch.js';
import { addon } from '#lib/runtime/addon.js';
import { writeScalars } from '#lib/train/fit/progress.js';
import { newJob, prepareTraining } from '#lib/train/prepare/jobs.js';
import { trainingModes } from '#lib/train/prepare/mode.js';
import { TrainerMemory } from '#lib/train/prepare/trainer-memory.js';
import { LONG } from '../helpers/long.js';
import { points } from '../helpers/training.js';

type TrainedJob = Job & { training: TrainingJob };

/** Ends a thread. */
class Death extends Error {}

afterEach(() => vi.restoreAllMocks());

type Statistics = NonNullable<nn.BatchNormOptions['statistics']>;

const model = (statistics: Statistics) =>
  new nn.Sequential(
    new nn.Linear(6, 8),
    new nn.BatchNorm1d(8, { statistics }),
    new nn.Tanh(),
    new nn.Dropout(0.2),
    new nn.Linear(8, 3),
  );

/**
 * The first epoch of a new model on 35 samples, in 4 batches of 9, the last of 8, in 3 shards. With the statistics of the
 * batch, workers would meet in the middle of a plan.
 */
function epochOf(makeOptimizer: () => optim.Optimizer, workers: number, statistics: Statistics = 'shard') {
  const optimizer = makeOptimizer();
  const loss = batchLoss('Trainer', nn.crossEntropy);
  const made = model(statistics).init(1);
  const memory = new TrainerMemory(made, optimizer);
  const context = {
    ...{ workers, shards: 3, cores: 4, seed: 1, model: made, loss, optimizer, metrics: {} },
    modes: trainingModes(made),
    ...memory.current(),
  };
  const prepared = prepareTraining({ ...context, cores: undefined }, points(35), { batchSize: 9 });
  const training: TrainingJob = { ...prepared, cores: 4 };
  writeScalars(training, { epoch: 1, firstStep: 0 }, optimizer);
  const restore = memory.keep();
  /** The job as it is before its first step. */
  const begin = (): TrainedJob => {
    restore();
    new ShareProgress(training.marks).begin(0);
    new Float64Array(training.losses).fill(0);
    return { ...newJob(context), training };
  };
  const hash = () => {
    const { parameters, memory: own } = memory.current();
    const states = [...own.state.values()].flatMap((list) => list.map((tensor) => tensor.memory));
    const kept = [parameters.memory, own.sum, own.average, ...states];
    const sha = createHash('sha256');
    for (const memory of kept) if (memory) sha.update(Float32Array.from(viewInto(memory)));
    sha.update(new Float64Array(training.losses).slice());
    return sha.digest('hex');
  };
  return { begin, hash };
}

/** Runs a worker in this thread; true if it survived to the end. */
async function run(job: TrainedJob, rank: number, start: Partial<EpochStart> = {}) {
  const loader = await RowLoader.open(job.training, job.seed);
  try {
    const trainer = new EpochTrainer(job, job.training, loader, new WorkerMemory());
    trainer.run(rank, { epoch: 1, firstStep: 0, ...start });
    return true;
  } catch (error) {
    if (error instanceof Death) return false;
    throw error;
  }
}

/** Resumes as `fit` does with new threads. */
function resume(job: TrainedJob, rank = 0) {
  const { step, begun } = new ShareProgress(job.training.marks).unfinished();
  new Control(job.control).reset();
  return run(job, rank, { startStep: step, finish: begun });
}

/** Lets the worker die before or after call `victim` of those that change what workers share, counted from 0. */
function dieAt(victim: number) {
  let calls = 0;
  const watch = (object: object, name: string, original = Reflect.get(object, name)) => {
    vi.spyOn(object as Record<string, (...args: unknown[]) => unknown>, name).mockImplementation(function (
      this: unknown,
      ...args
    ) {
      if (calls++ === victim) throw new Death();
      const result: unknown = original.apply(this, args);
      if (calls++ === victim) throw new Death();
      return result;
    });
  };
  for (const name of ['run', 'runShards', 'combine']) watch(addon(), name);
  watch(ShareProgress.prototype, 'set');
  for (const name of ['decide', 'setActiveAt']) watch(Control.prototype, name);
  watch(Control.prototype, 'meet', () => {});
  return () => calls;
}

/** No worker waits for others; all of them are on this thread. */
const meetNobody = () => vi.spyOn(Control.prototype, 'meet').mockImplementation(() => {});

describe('a step that is interrupted', () => {
  it.each<[string, () => optim.Optimizer, Statistics?]>([
    ['momentum', () => optim.sgd({ lr: 0.1, momentum: 0.9 })],
    ['statistics of the batch', () => optim.sgd({ lr: 0.1, momentum: 0.9 }), 'batch'],
    ['clipping', () => optim.adamW({ lr: 0.02, clipNorm: 0.3 })],
    ['accumulation and averages', () => optim.adam({ lr: 0.02, accumulate: 2, average: 0.9 })],
    ['clipped accumulation', () => optim.adam({ lr: 0.02, accumulate: 3, clipNorm: 0.3 })],
  ])('between any two calls is finished to the same bits, with %s', async (_, optimizer, statistics) => {
    // Two shares of the update, which the one worker at work makes both.
    const { begin, hash } = epochOf(optimizer, 2, statistics);
    const mocked = () => {
      vi.restoreAllMocks();
      meetNobody();
      vi.spyOn(addon(), 'trainings').mockReturnValue(4);
    };
    const alone = () => {
      mocked();
      const job = begin();
      for (const step of [0, 1]) new Control(job.control).setActiveAt(step, 1);
      return job;
    };
    const undisturbed = alone();
    const count = dieAt(Number.POSITIVE_INFINITY);
    expect(await run(undisturbed, 0)).toBe(true);
    const [calls, expected] = [count(), hash()];
    expect(calls).toBeGreaterThan(60);
    // The sample has one of three, which are others with most optimisers.
    for (let victim = LONG ? 0 : calls % 3; victim < calls; victim += LONG ? 1 : 3) {
      const job = alone();
      dieAt(victim);
      expect(await run(job, 0)).toBe(false);
      mocked();
      expect(await resume(job)).toBe(true);
      expect(hash(), `a death at ${victim} of ${calls}`).toBe(expected);
    }
  });

  it('at any look for an abort is finished to the same bits', async () => {
    const { begin, hash } = epochOf(() => optim.adam({ lr: 0.02, accumulate: 3, clipNorm: 0.3 }), 1);
    meetNobody();
    onTestFinished(() => addon().abortRunsBy());
    const barrier = new Int32Array(addon().constants.barrier.words);
    addon().abortRunsBy(barrier);
    expect(await run(begin(), 0)).toBe(true);
    const [looks, expected] = [addon().looks(), hash()];
    // Every run and sum looks when it begins, except those that set a mark.
    expect(looks).toBeGreaterThan(20);
    for (let look = 1; look <= looks; look += LONG ? 1 : 2) {
      const job = begin();
      addon().abortRunsBy(barrier, look);
      await expect(run(job, 0)).rejects.toMatchObject({ code: 'ERR_CHAINRULE_WORKER_RELEASED' });
      addon().abortRunsBy();
      expect(await resume(job)).toBe(true);
      expect(hash(), `an abort at look ${look} of ${looks}`).toBe(expected);
    }
  });

  it('is finished with the number of workers that it began with', async () => {
    const optimizer = () => optim.sgd({ lr: 0.1 });
    meetNobody();
    const undisturbed = epochOf(optimizer, 1);
    await run(undisturbed.begin(), 0);

    const { begin, hash } = epochOf(optimizer, 2);
    const job = begin();
    // The first meetings that the worker reaches tell it to end.
    const dieAtMeeting = (last: number) => {
      let meetings = 0;
      vi.spyOn(Control.prototype, 'meet').mockImplementation(() => {
        if (++meetings === last) throw new Death();
      });
    };
    new Control(job.control).decideToBegin();
    dieAtMeeting(2);
    expect(await run(job, 1)).toBe(false);
    // Worker 0 makes its share of the first step, and agrees to be alone from the next step on.
    vi.spyOn(addon(), 'trainings').mockReturnValue(4);
    dieAtMeeting(3);
    expect(await run(job, 0)).toBe(false);
    expect(new ShareProgress(job.training.marks).unfinished()).toEqual({ step: 0, begun: true });
    dieAtMeeting(2);
    expect(await resume(job, 1)).toBe(false);
    meetNobody();
    expect(await run(job, 0, { startStep: 0, finish: true })).toBe(true);
    expect(hash()).toBe(undisturbed.hash());
  });

  it('while the state was copied has it copied again', () => {
    const control = new Control();
    control.requestSnapshot();
    control.decideSnapshot(false, 3);
    control.reset();
    control.completeSnapshot();
    expect(control.snapshotStep).toBeUndefined();
    control.decideSnapshot(false, 4);
    control.completeSnapshot();
    expect(control.snapshotStep).toBe(4);
  });
});
