import type { Dataset } from '../../data/index.js';
import type { EvaluationJob, Job, TrainingJob } from '../../parallel/protocol/job.js';
import { formatBytes, type MemoryBudget } from '../../runtime/memory-size.js';
import type { FitOptions } from '../options.js';
import { compileEvaluation, compileTraining, type JobContext } from '../prepare/compiled.js';
import { type Allowance, evaluationJob, newJob, trainingJob } from '../prepare/jobs.js';
import { inMode } from '../prepare/mode.js';
import type { Account, TrainingDemand } from './memory-accounts.js';
import { fitBudget } from './memory-budget.js';

/** What is trained on, and what with. */
export interface TrainingRequest {
  readonly data: Dataset;
  readonly options: Pick<FitOptions, 'batchSize' | 'shuffle' | 'nonFinite' | 'validation'>;
  /** Whether copies of what training changes are made. */
  readonly snapshot: boolean;
}

/** A training that is ready to start, and its evaluation. */
export interface PreparedTraining {
  readonly training: TrainingJob;
  readonly evaluation?: EvaluationJob;
  readonly allowance: Allowance;
  /** Where there is a budget, what is taken of it. */
  readonly account?: Account;
}

/** Compiles what is to be done, and takes no memory for it yet. */
export function demandOf(context: JobContext, { data, options, snapshot }: TrainingRequest): TrainingDemand {
  const { batchSize, validation } = options;
  const training = inMode(context.model, true, () => compileTraining(context, data, batchSize));
  const evaluation = validation && compileEvaluation(context, validation, batchSize);
  return { context, training, evaluation, snapshot };
}

/** Compiles a training, and chooses its plans within the budget, before it takes any memory. */
export function prepareWithin(
  budget: MemoryBudget | undefined,
  context: JobContext,
  request: TrainingRequest,
): PreparedTraining {
  const demand = demandOf(context, request);
  const { training, evaluation } = demand;
  const account = budget && fitBudget(demand, budget);
  const allowance = account?.allowance ?? unlimited(training.workers);
  return {
    training: trainingJob(context, training, allowance, request.options),
    ...(evaluation ? { evaluation: evaluationJob(evaluation, allowance) } : {}),
    allowance,
    ...(account ? { account } : {}),
  };
}

/** Compiles an evaluation, for as many workers as the budget has room for. */
export function prepareEvaluation(
  budget: MemoryBudget | undefined,
  context: JobContext,
  data: Dataset,
  batchSize?: number,
): Job & { readonly evaluation: EvaluationJob } {
  const evaluation = compileEvaluation(context, data, batchSize);
  const allowance = budget
    ? fitBudget({ context, evaluation, snapshot: false }, budget).allowance
    : unlimited(context.workers);
  const { workers } = allowance;
  return { ...newJob({ ...context, workers }), evaluation: evaluationJob(evaluation, allowance) };
}

/** How a training keeps to its budget. */
export function describeBudget({ total, allowance }: Account, { bytes }: MemoryBudget): string {
  const { workers, arenaBytes } = allowance;
  const counted = workers === 1 ? '1 worker' : `each of ${workers} workers`;
  return `fit: ${formatBytes(total)} of memory, of ${formatBytes(bytes)}; ${counted} has ${formatBytes(arenaBytes)} for activations`;
}

function unlimited(workers: number): Allowance {
  return { workers, arenaBytes: Number.POSITIVE_INFINITY };
}
