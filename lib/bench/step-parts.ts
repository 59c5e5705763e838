import { at } from '../graph/at.js';
import { batchLoss } from '../nn/losses/batch-loss.js';
import type { Phase, Timeline } from '../parallel/protocol/timeline.js';
import { Session } from '../train/fit/session.js';
import { prepareProfile, recordTraining, WARM_UP } from '../train/inspect/profiling.js';
import { newJob } from '../train/prepare/jobs.js';
import { trainingModes } from '../train/prepare/mode.js';
import { TrainerMemory } from '../train/prepare/trainer-memory.js';
import { optimizerOf } from './figures.js';
import { randomData } from './random-data.js';
import type { TrainingScenario } from './scenario.js';
import { median, sum } from './statistics.js';

/** Parts of a worker's time in a step, besides its gradients, in microseconds: medians over the steps. */
export interface StepParts {
  /** The whole step, including the profile's clocks. */
  readonly step: number;
  /** Waits for workers that had more to do or were held up: the mean of the workers. */
  readonly wait: number;
  /** Wait of the last worker to arrive at each barrier: the cost of the barriers themselves. */
  readonly barrier: number;
  /** Summing the gradients of the shards. */
  readonly sum: number;
  readonly update: number;
}

/** Trains a number of steps with the clocks of a profile, a shard for each worker. */
export async function stepParts(
  scenario: TrainingScenario,
  { workers, steps }: { readonly workers: number; readonly steps: number },
): Promise<StepParts> {
  const { loss, batchSize } = scenario;
  const optimizer = optimizerOf(scenario);
  const model = scenario.model().init(1);
  const memory = new TrainerMemory(model, optimizer).current();
  const modes = trainingModes(model);
  const context = {
    workers,
    seed: 1,
    model,
    modes,
    loss: batchLoss('bench', loss),
    optimizer,
    metrics: {},
    ...memory,
    steps: 0,
  };
  const training = prepareProfile(context, randomData(scenario, 1), { steps, batchSize });
  const session = new Session();
  try {
    await session.start({ ...newJob(context), training });
    return partsOf(await recordTraining(session, training, context), steps);
  } finally {
    await session.end();
  }
}

function partsOf(timelines: readonly Timeline[], steps: number): StepParts {
  const each = Array.from({ length: steps }, (_, i) => partsOfStep(timelines, WARM_UP + i));
  const middle = (part: keyof StepParts) => 1000 * median(each.map((parts) => parts[part]));
  return {
    step: middle('step'),
    wait: middle('wait'),
    barrier: middle('barrier'),
    sum: middle('sum'),
    update: middle('update'),
  };
}

/** The parts of one step, in milliseconds. */
function partsOfStep(timelines: readonly Timeline[], step: number): StepParts {
  const durations = (phase: Phase): number[][] =>
    timelines.map(({ phases }) =>
      phases
        .filter((span) => span.step === step && span.phase === phase)
        .map(({ start, end }) => end - start),
    );
  const mean = (all: number[][]) => sum(all.flat()) / timelines.length;
  const waits = durations('wait');
  const meetings = waits[0]?.map((_, meeting) => Math.min(...waits.map((own) => at(own, meeting))));
  const [wait, update] = [mean(waits), mean(durations('update'))];
  const added = mean(durations('sum'));
  const whole = wait + update + added + mean(durations('load')) + mean(durations('gradients'));
  return { step: whole, wait, barrier: sum(meetings ?? []), sum: added, update };
}
