import { arraysOf, mapColumns, roomFor, sidesOf } from '../../data/columns.js';
import type { AnyDataset } from '../../data/index.js';
import { SampleLoader } from '../../data/sample-loader.js';
import type { TensorData } from '../../graph/dtype.js';
import { ChainruleError, failed } from '../../graph/errors.js';
import { constant } from '../../graph/leaf.js';
import type { Tensor } from '../../graph/tensor.js';
import { examine } from '../../health/examine.js';
import { completeThresholds, type HealthThresholds } from '../../health/findings.js';
import type { HealthReport } from '../../health/report.js';
import type { LoadedBatch } from '../../health/trace-batch.js';
import { inOrder, orderOf, stretchOf } from '../../parallel/protocol/epoch-order.js';
import type { EpochStart, Job, TrainingJob } from '../../parallel/protocol/job.js';
import { describeNonFinite } from '../../runtime/non-finite.js';
import type { JobContext } from '../prepare/compile-job.js';
import { nextValuesOf } from './next-values.js';

/** A batch of a data set. */
export interface Samples {
  readonly data: AnyDataset;
  readonly indices: Int32Array;
  /** Epoch that the transforms depend on. */
  readonly epoch: number;
  /** Added to the indices that the transforms depend on. Default 0. */
  readonly indexOffset?: number;
}

/** Loads the samples of a batch as training does, with transforms applied. */
export async function loadSamples(
  { data, indices, epoch, indexOffset = 0 }: Samples,
  seed: number,
): Promise<ExaminedBatch> {
  const count = indices.length;
  const room = roomFor(data.forms, count);
  const rows = { start: 0, count };
  const loader = await SampleLoader.open(data.source, seed);
  const request = { order: indices, batch: rows, rows, epoch, indexOffset };
  loader.load(request, arraysOf(room));
  return sidesOf(mapColumns(room, asTensor));
}

/** Inspects a trainer's model on a batch. The model must be in training mode. */
export function inspectBatch(
  context: JobContext & { readonly steps: number; readonly updates: number },
  batch: ExaminedBatch,
  thresholds?: Partial<HealthThresholds>,
): Promise<HealthReport> {
  const { model, loss, optimizer, parameters, memory, steps, updates, seed } = context;
  return examine(model, loss, batch, {
    next: nextValuesOf(parameters, memory, optimizer, updates),
    thresholds: completeThresholds(thresholds),
    random: { seed, step: steps },
  });
}

/** Inputs and targets on which a model is inspected. */
export type ExaminedBatch = LoadedBatch;

function asTensor({ data, shape, dtype }: TensorData): Tensor {
  return constant(data, shape, dtype);
}

/** The samples of one step of an epoch. */
export function samplesOf(
  data: AnyDataset,
  job: Job & { training: TrainingJob },
  start: EpochStart,
  step: number,
): Samples {
  const { batchSize } = job.training;
  const stretch = stretchOf(job.training, start);
  const first = stretch.start + (step - stretch.firstStep) * batchSize;
  const end = Math.min(first + batchSize, stretch.start + stretch.count);
  const indices = orderOf(job, start).subarray(first, end);
  return { data, indices, epoch: start.epoch, indexOffset: stretch.firstItem - stretch.start };
}

/** The first samples of a data set. */
export function firstSamples(data: AnyDataset, count: number): Samples {
  return { data, indices: inOrder(Math.min(count, data.length)), epoch: 0 };
}

/** Adds the op that made the first non-finite value to the error of a loss or a gradient that is not finite. */
export function withCulprit(error: unknown, report: HealthReport | null): unknown {
  if (!(error instanceof ChainruleError) || !report?.firstNonFinite) return error;
  const expected = `${error.expected}. ${describeNonFinite(report.firstNonFinite)}`;
  return failed(error.code, error.op, expected, { cause: error });
}
