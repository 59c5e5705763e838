import { compile, type EpochResult, type Tensor, Trainer, type TrainerOptions, tensor } from '../index.js';
import { BRIEF } from '../profile/brief.js';
import { optimizerOf } from './figures.js';
import { randomData, randomValues } from './random-data.js';
import type { PredictionScenario, Scenario, TrainingScenario } from './scenario.js';

/** Seconds that a round should take: long enough that starting it does not count. */
const ROUND_SECONDS = BRIEF ? 0.01 : 0.4;

/** Something that runs a number of steps and times them. Its threads sleep between rounds. */
export interface Subject {
  /** Runs one round and returns the milliseconds of a step. */
  round(): Promise<number>;
  close(): Promise<void>;
}

/** The workers of a training, and the shards of its batches. */
export type Threads = Pick<TrainerOptions, 'workers' | 'shards'>;

/** Prepares a scenario in this library: threads started, plans compiled, and warmed up. */
export async function prepare(scenario: Scenario, workers: number | 'auto'): Promise<Subject> {
  return scenario.kind === 'predict' ? preparePrediction(scenario) : prepareTraining(scenario, { workers });
}

/** Prepares a training scenario, as `prepare` does. */
export async function prepareTraining(scenario: TrainingScenario, threads: Threads): Promise<Subject> {
  const trial = train(scenario, threads, 3);
  await trial.round();
  const steps = stepsOfRound(await trial.round());
  await trial.close();
  const subject = train(scenario, threads, steps);
  await subject.round();
  return subject;
}

/** Trains in rounds of one epoch, the first of which also compiles the plans and starts the threads. */
function train(scenario: TrainingScenario, threads: Threads, steps: number): Subject {
  const { loss, batchSize } = scenario;
  const options = { ...threads, loss, optimizer: optimizerOf(scenario), seed: 1 };
  const epochs = new Trainer(scenario.model(), options).fit(randomData(scenario, steps), {
    epochs: Number.MAX_SAFE_INTEGER,
    batchSize,
  });
  return {
    async round() {
      const { value } = await epochs.next();
      return (1000 * (value as EpochResult).seconds) / steps;
    },
    close: () => epochs.return().then(() => {}),
  };
}

/** Predictions one after another, as a service awaits them: by a function for inference. */
async function preparePrediction({ model, inputs, batchSize }: PredictionScenario): Promise<Subject> {
  const trained = model().init(1).eval();
  const predict = compile((x: Tensor) => trained.forward(x), { inference: true });
  const x = tensor(randomValues(inputs, batchSize), { shape: [batchSize, ...inputs.shape] });
  const run = async (steps: number) => {
    const start = performance.now();
    for (let i = 0; i < steps; i++) await predict(x);
    return (performance.now() - start) / steps;
  };
  await run(3);
  await run(stepsOfRound(await run(3)));
  const steps = stepsOfRound(await run(3));
  return { round: () => run(steps), close: async () => predict.release() };
}

/** Number of steps in a round. The data set holds every sample of a round, so this is bounded. */
export function stepsOfRound(milliseconds: number): number {
  return Math.min(4000, Math.max(1, Math.round((1000 * ROUND_SECONDS) / milliseconds)));
}
