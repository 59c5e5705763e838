import { at } from '../../graph/at.js';
import type { Optimizer } from '../../optim/index.js';
import { Control } from '../../parallel/protocol/control.js';
import { stretchOf } from '../../parallel/protocol/epoch-order.js';
import type { EpochStart, Job, TrainingJob } from '../../parallel/protocol/job.js';
import { batchCount } from '../../parallel/protocol/shards.js';
import { ShareProgress } from '../../parallel/protocol/share-progress.js';
import { UpdateCount } from '../../parallel/protocol/update-count.js';
import type { EpochResult, Progress } from '../options.js';

/** Milliseconds between two reads of the workers' counters. */
const INTERVAL_MS = 100;

/** Writes the optimiser's scalars for each step of an epoch, or of the stretch of it that is trained. */
export function writeScalars(training: TrainingJob, start: EpochStart, optimizer: Optimizer): void {
  const { batchSize, scalarCount } = training;
  const { firstStep, startStep = 0 } = start;
  const stretch = stretchOf(training, start);
  const scalars = new Float64Array(training.scalars);
  const end = stretch.firstStep + batchCount(stretch.count, batchSize);
  const { accumulate } = training;
  const before = start.updates ?? { missed: 0, contributed: 0 };
  const { missed } = new UpdateCount(accumulate, before).noteAll(firstStep, startStep, training);
  // Updates that were not made make later ones take the scalars of earlier steps.
  const first = Math.max(0, startStep - (missed - before.missed) * accumulate);
  for (let step = first; step < end; step++) {
    const update = optimizer.updatesAfter(firstStep + step) - before.missed;
    scalars.set(optimizer.scalarsAt(update), step * scalarCount);
  }
}

export interface EpochWatch {
  /** Ends the watch and returns the number of steps done. */
  stop(): number;
  /** The figures of the epoch. Throws what `onProgress` threw. */
  result(): EpochResult;
}

/** Prepares the shared counters of an epoch, or of the rest of one, and reports its progress until it is stopped. */
export function watchEpoch(
  { control: words, training }: Job & { training: TrainingJob },
  start: EpochStart,
  optimizer: Optimizer,
  onProgress: (progress: Progress) => void,
): EpochWatch {
  const { batchSize } = training;
  const { epoch, startStep = 0 } = start;
  const stretch = stretchOf(training, start);
  // Samples of the epoch up to the end of the stretch.
  const length = stretch.firstStep * batchSize + stretch.count;
  const steps = batchCount(length, batchSize);
  const expected = start.stretch ? (stretch.expected ?? Number.NaN) : length;
  const control = new Control(words);
  const losses = new StepLosses(training, length);
  const before = Math.min(startStep * batchSize, length);
  writeScalars(training, start, optimizer);
  new ShareProgress(training.marks).begin(startStep);
  const skipped = new Int32Array(training.skipped);
  if (stretch.firstStep === 0) skipped.fill(0);
  control.stepsDone = startStep;
  const started = performance.now();
  let ended = started;

  const progress = (): Progress => {
    const step = control.stepsDone;
    const examples = Math.min(step * batchSize, length);
    const seconds = (performance.now() - started) / 1000;
    const examplesPerSecond = (examples - before) / seconds;
    const eta = examples > before ? (expected - examples) / examplesPerSecond : Number.NaN;
    return {
      epoch,
      step,
      steps: batchCount(expected, batchSize),
      examples,
      examplesPerSecond,
      loss: losses.over(step),
      eta,
    };
  };
  let failure: { readonly error: unknown } | undefined;
  const report = () => {
    try {
      onProgress(progress());
    } catch (error) {
      // Nobody can catch an error thrown in a timer, so training stops and its caller gets the error.
      failure ??= { error };
      control.requestStop();
    }
  };
  const timer = setInterval(report, INTERVAL_MS);
  let stopped = false;
  return {
    stop() {
      if (stopped) return control.stepsDone;
      stopped = true;
      clearInterval(timer);
      ended = performance.now();
      report();
      return control.stepsDone;
    },
    result() {
      if (failure) throw failure.error;
      const seconds = (ended - started) / 1000;
      return {
        epoch,
        loss: losses.over(steps),
        seconds,
        examplesPerSecond: (length - before) / seconds,
        stepLosses: losses.first(steps),
        skippedSteps: losses.first(steps).filter(Number.isNaN).length,
        skippedItems: at(skipped, 0),
      };
    },
  };
}

/** The losses of the steps of an epoch. */
class StepLosses {
  readonly #losses: Float64Array;
  readonly #weights: Float64Array | undefined;

  /** @param length number of samples up to the last step; the last batch may be smaller */
  constructor(
    private readonly training: TrainingJob,
    private readonly length: number,
  ) {
    this.#losses = new Float64Array(training.losses);
    this.#weights = training.weights && new Float64Array(training.weights);
  }

  /** A copy of the losses of the first steps. */
  first(steps: number): Float64Array {
    return this.#losses.slice(0, steps);
  }

  /** Loss over the first steps without skipped ones: their mean, weighted as each was, or their total. */
  over(steps: number): number {
    let [sum, weights] = [0, 0];
    for (let step = 0; step < steps; step++) {
      const loss = this.#losses[step] as number;
      if (Number.isNaN(loss)) continue;
      const weight = this.#weightOf(step);
      sum += loss * weight;
      weights += weight;
    }
    return this.training.kind === 'total' && weights > 0 ? sum : sum / weights;
  }

  #weightOf(step: number): number {
    const { kind, batchSize } = this.training;
    if (kind === 'total') return 1;
    return this.#weights?.[step] ?? Math.min(batchSize, this.length - step * batchSize);
  }
}
