import type { Dataset, Field } from '../data/index.js';
import { ChainruleError } from '../graph/errors.js';
import { constant } from '../graph/ops/leaf.js';
import { permutation } from '../graph/random.js';
import type { Tensor } from '../graph/tensor.js';
import { examine } from '../health/examine.js';
import { completeThresholds, describeNonFinite, type HealthThresholds } from '../health/findings.js';
import type { HealthReport } from '../health/report.js';
import type { Job, TrainingJob } from '../parallel/job.js';
import { inOrder } from '../parallel/train-epoch.js';
import type { JobContext } from './jobs.js';
import { nextValuesOf } from './next-values.js';

/** Looks at a trainer's model on all samples of a data set, as one batch. The model must be in training mode. */
export function inspectSamples(
  context: JobContext & { readonly steps: number },
  samples: Dataset,
  thresholds?: Partial<HealthThresholds>,
): Promise<HealthReport> {
  const { model, loss, optimizer, parameters, memory, steps, seed } = context;
  const batch = {
    inputs: [asTensor(samples.inputs, samples.length)],
    targets: asTensor(samples.targets, samples.length),
  };
  return examine(model, loss, batch, {
    next: nextValuesOf(parameters, memory, optimizer, steps),
    thresholds: completeThresholds(thresholds),
    random: { seed, step: steps },
  });
}

function asTensor({ data, shape, dtype }: Field, length: number): Tensor {
  return constant(data, [length, ...shape], dtype);
}

/** Whether the step at which training stopped has a loss that is not finite. */
export function lossIsNotFinite({ shardLosses, nonFinite }: TrainingJob): boolean {
  return nonFinite === 'stop' && new Float64Array(shardLosses).some((loss) => !Number.isFinite(loss));
}

/** The samples of one step of an epoch. */
export function samplesOf(
  data: Dataset,
  { training, seed }: Job & { training: TrainingJob },
  epoch: number,
  step: number,
): Dataset {
  const { shuffle, batchSize, length } = training;
  const order = shuffle ? permutation(length, seed, epoch) : inOrder(length);
  return data.subset(order.subarray(step * batchSize, (step + 1) * batchSize));
}

/** The error of a loss that is not finite, with the op that made the first such value. */
export function withCulprit(error: unknown, report: HealthReport | null): unknown {
  // Errors of other threads come as copies, which have the message but not the class.
  if (!(error instanceof Error) || !report?.firstNonFinite) return error;
  const message = `${error.message}. ${describeNonFinite(report.firstNonFinite)}`;
  return new ChainruleError('fit', message.replace(/^fit: /, ''), message, undefined, { cause: error });
}
