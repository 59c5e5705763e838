import type { AnyDataset } from '../../data/index.js';
import type { EvaluationJob, Job, TrainingJob } from '../../parallel/protocol/job.js';
import { formatBytes, type MemoryBudget } from '../../runtime/memory-size.js';
import type { FitOptions } from '../options.js';
import { compileEvaluation, compileTraining, type JobContext } from '../prepare/compile-job.js';
import { evaluationJob, newJob, type ResourceLimits, trainingJob } from '../prepare/jobs.js';
import { inModes } from '../prepare/mode.js';
import { fitBudget } from './memory-budget.js';
import type { MemoryEstimate, TrainingWorkload } from './memory-estimator.js';

/** Data and options of a training to prepare. */
export interface TrainingRequest {
  readonly data: AnyDataset;
  readonly options: Pick<
    FitOptions,
    'batchSize' | 'dropLast' | 'shuffle' | 'nonFinite' | 'validation' | 'callbacks'
  >;
  /** True if all memory that training changes is copied, for checkpoints. */
  readonly snapshot: boolean;
}

/** A training that is ready to start, and its evaluation. */
export interface PreparedTraining {
  readonly training: TrainingJob;
  readonly evaluation?: EvaluationJob;
  readonly limits: ResourceLimits;
  /** Paths of the trainable parameters that the loss does not depend on. */
  readonly untrained: readonly string[];
  /** See `CompiledTraining`. */
  readonly mayRefuseLast: boolean;
  /** Memory of the training; left out without a budget. */
  readonly estimate?: MemoryEstimate;
}

/** Compiles a training and its evaluation, without allocating memory for them yet. */
export function workloadOf(
  context: JobContext,
  { data, options, snapshot }: TrainingRequest,
): TrainingWorkload {
  const { batchSize, validation, callbacks = [] } = options;
  const training = inModes(context.modes, () => compileTraining(context, data, options));
  const evaluation = validation && compileEvaluation(context, validation, batchSize);
  const kept = callbacks.filter(({ keepsWeights }) => keepsWeights === true).length;
  return { context, training, evaluation, snapshot, kept };
}

/** Compiles a training, chooses its plans within the budget, and then allocates its memory. */
export function prepareWithin(
  budget: MemoryBudget | undefined,
  context: JobContext,
  request: TrainingRequest,
): PreparedTraining {
  const workload = workloadOf(context, request);
  const { training, evaluation } = workload;
  const estimate = budget && fitBudget(workload, budget);
  const limits = estimate?.limits ?? unlimited(training.workers);
  return {
    training: trainingJob(context, training, limits, request.options),
    ...(evaluation ? { evaluation: evaluationJob(evaluation, limits) } : {}),
    limits,
    untrained: training.untrained,
    mayRefuseLast: training.mayRefuseLast,
    ...(estimate ? { estimate } : {}),
  };
}

/** Prepares an evaluation, for as many workers as the budget has room for. */
export function prepareEvaluation(
  budget: MemoryBudget | undefined,
  context: JobContext,
  data: AnyDataset,
  batchSize?: number,
): Job & { readonly evaluation: EvaluationJob } {
  const evaluation = compileEvaluation(context, data, batchSize);
  const limits = budget
    ? fitBudget({ context, evaluation, snapshot: false, kept: 0 }, budget).limits
    : unlimited(context.workers);
  const { workers } = limits;
  return { ...newJob({ ...context, workers }), evaluation: evaluationJob(evaluation, limits) };
}

/** Log line with the memory that a training takes of its budget. */
export function describeBudget({ total, limits }: MemoryEstimate, { bytes }: MemoryBudget): string {
  const { workers, arenaBytes } = limits;
  const counted = workers === 1 ? '1 worker' : `each of ${workers} workers`;
  const used = `${formatBytes(total)} of memory, of ${formatBytes(bytes)}`;
  return `fit: ${used}; ${counted} has ${formatBytes(arenaBytes)} for activations`;
}

function unlimited(workers: number): ResourceLimits {
  return { workers, arenaBytes: Number.POSITIVE_INFINITY };
}
