import type { Optimizer } from '../optim/index.js';
import { Control } from '../parallel/control.js';
import type { TrainingJob } from '../parallel/job.js';
import { batchCount } from '../parallel/shards.js';
import type { EpochResult, Progress } from './types.js';

/** Milliseconds between two looks at the workers' counters. */
const INTERVAL_MS = 100;

/** Gives the workers the optimiser's numbers for each step of an epoch. */
export function writeScalars(
  { length, batchSize, scalarCount, scalars: memory }: TrainingJob,
  firstStep: number,
  optimizer: Optimizer,
): void {
  const scalars = new Float64Array(memory);
  for (let step = 0; step < batchCount(length, batchSize); step++) {
    scalars.set(optimizer.scalarsAt(optimizer.updatesAfter(firstStep + step)), step * scalarCount);
  }
}

export interface EpochWatch {
  /** Ends the watch and gives the number of steps done. */
  stop(): number;
  /** Throws what `onProgress` threw. */
  result(): EpochResult;
}

/** Prepares the shared words of an epoch, and reports its progress until it is stopped. */
export function watchEpoch(
  controlWords: SharedArrayBuffer,
  training: TrainingJob,
  epoch: number,
  firstStep: number,
  optimizer: Optimizer,
  onProgress?: (progress: Progress) => void,
): EpochWatch {
  const { length, batchSize } = training;
  const control = new Control(controlWords);
  const steps = batchCount(length, batchSize);
  const losses = new Float64Array(training.losses);
  writeScalars(training, firstStep, optimizer);
  control.stepsDone = 0;
  const started = performance.now();
  let ended = started;

  const progress = (): Progress => {
    const step = control.stepsDone;
    const examples = Math.min(step * batchSize, length);
    const seconds = (performance.now() - started) / 1000;
    const examplesPerSecond = examples / seconds;
    const eta = examples > 0 ? (length - examples) / examplesPerSecond : Number.NaN;
    return {
      epoch,
      step,
      steps,
      examples,
      examplesPerSecond,
      loss: meanLoss(losses, step, batchSize, length),
      eta,
    };
  };
  let failure: { readonly error: unknown } | undefined;
  const report = () => {
    try {
      onProgress?.(progress());
    } catch (error) {
      // Nobody could catch it in a timer, so training stops and its caller gets the error.
      failure ??= { error };
      control.requestStop();
    }
  };
  const timer = onProgress ? setInterval(report, INTERVAL_MS) : undefined;
  return {
    stop() {
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
        loss: meanLoss(losses, steps, batchSize, length),
        seconds,
        examplesPerSecond: length / seconds,
        stepLosses: losses.slice(),
      };
    },
  };
}

/** The mean over the samples of the first steps; the last batch may be smaller. */
function meanLoss(losses: Float64Array, steps: number, batchSize: number, length: number): number {
  let sum = 0;
  for (let step = 0; step < steps; step++) {
    sum += (losses[step] as number) * Math.min(batchSize, length - step * batchSize);
  }
  return sum / Math.min(steps * batchSize, length);
}
