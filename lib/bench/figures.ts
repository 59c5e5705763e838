import { compileGraph } from '../compile/compile.js';
import { input } from '../graph/leaf.js';
import { traced } from '../graph/trace.js';
import { optim } from '../index.js';
import { batchLoss } from '../nn/losses/batch-loss.js';
import type { TrainingJob } from '../parallel/protocol/job.js';
import { shardRows } from '../parallel/protocol/shards.js';
import { nativeKernels } from '../runtime/native-kernels.js';
import { prepareTraining } from '../train/prepare/jobs.js';
import { trainingModes } from '../train/prepare/mode.js';
import { TrainerMemory } from '../train/prepare/trainer-memory.js';
import { type CaseWork, type StepPlans, workOfStep } from './limits/case-work.js';
import { randomData } from './random-data.js';
import type { PredictionScenario, Scenario, TrainingScenario } from './scenario.js';
import { sum } from './statistics.js';
import { threadsOf } from './threads.js';

/** Figures of a scenario known before it runs. */
export interface Figures {
  /** Number of elements of all parameters. */
  readonly parameters: number;
  /** Floating-point operations of a step: all shards' forward and backward passes, and the update. */
  readonly flops: number;
  /** Memory for intermediates, of all threads together. */
  readonly arenaBytes: number;
  /** Milliseconds to trace the model, derive its gradients and compile the plans. */
  readonly compileMs: number;
  /** What a step cannot avoid. */
  readonly work: CaseWork;
}

/**
 * The figures of a scenario on `workers` threads. The scenario is compiled a second time, so that the engine's code
 * is warm.
 */
export function figuresOf(scenario: Scenario, workers: number | 'auto'): Figures {
  const compile = scenario.kind === 'train' ? compileStep(scenario, workers) : compilePrediction(scenario);
  compile();
  const start = performance.now();
  const step = compile();
  const compileMs = performance.now() - start;
  const plans = [...step.shards, ...step.updates];
  return {
    parameters: countParameters(scenario),
    flops: sum(plans.map(({ flops }) => flops)),
    arenaBytes: sum(plans.map(({ arenaBytes }) => arenaBytes)),
    compileMs,
    work: workOfStep(step),
  };
}

export function optimizerOf({ optimizer }: TrainingScenario): optim.Optimizer {
  return optim[optimizer]();
}

function countParameters(scenario: Scenario): number {
  return sum(
    scenario
      .model()
      .parameters()
      .map(({ size }) => size),
  );
}

/** Compiles as `Trainer.fit` does. */
function compileStep(scenario: TrainingScenario, given: number | 'auto'): () => StepPlans {
  const { loss, batchSize } = scenario;
  const optimizer = optimizerOf(scenario);
  const model = scenario.model().init(1);
  const workers = threadsOf(given);
  const cores = given === 'auto' ? workers : undefined;
  const modes = trainingModes(model);
  const context = {
    workers,
    cores,
    seed: 1,
    model,
    modes,
    loss: batchLoss('bench', loss),
    optimizer,
    metrics: {},
  };
  const memory = new TrainerMemory(model, optimizer).current();
  const data = randomData(scenario, 1);
  return () => plansOf(prepareTraining({ ...context, ...memory }, data, { batchSize }));
}

function plansOf(training: TrainingJob): StepPlans {
  const { plans, updates, batchSize, shards } = training;
  const rowsOf = Array.from({ length: shards }, (_, shard) => shardRows(batchSize, shards, shard).count);
  return {
    shards: rowsOf.flatMap((rows) => plans.get(rows)?.plan ?? []),
    updates: updates.flatMap((share) => share?.update.plan ?? []),
  };
}

function compilePrediction(scenario: PredictionScenario): () => StepPlans {
  const { inputs, batchSize } = scenario;
  const model = scenario.model().init(1).eval();
  return () => {
    const x = input('x', [batchSize, ...inputs.shape], inputs.dtype);
    const outputs = [traced(() => model.forward(x)).result];
    return { shards: [compileGraph({ inputs: [x], outputs }, nativeKernels).plan], updates: [] };
  };
}
