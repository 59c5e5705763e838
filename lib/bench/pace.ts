import { type EpochResult, Trainer } from '../index.js';
import { BRIEF } from '../profile/brief.js';
import { optimizerOf } from './figures.js';
import { randomData } from './random-data.js';
import type { TrainingScenario } from './scenario.js';
import { chooseTrainings } from './scenarios/index.js';
import { median } from './statistics.js';

/** Expected and measured training time of a case. */
export interface PaceResult {
  readonly case: string;
  readonly batch: number;
  readonly rounds: number;
  /** Milliseconds of a step as `Trainer.pace` predicts them before training: the median of the rounds. */
  readonly expectedMs: number;
  /** Milliseconds of a step of the epoch that followed: the median of the rounds. */
  readonly trainedMs: number;
  /** Relative error of the prediction, positive if the epoch was faster than expected: the median of the rounds. */
  readonly error: number;
  /** Median of the absolute relative errors. */
  readonly typicalError: number;
  readonly largestError: number;
}

/** Approximate seconds of an epoch. */
const EPOCH_SECONDS = BRIEF ? 0.05 : 2;

/** Lets trainers predict the time of an epoch, and then trains it. */
export async function* runPaceBench(
  cases: readonly string[],
  workers: number,
  rounds = 5,
): AsyncGenerator<PaceResult> {
  for (const scenario of chooseTrainings(cases)) {
    const trial = await trainerOf(scenario, workers).pace(randomData(scenario, 2), {
      batchSize: scenario.batchSize,
    });
    const steps = Math.min(4000, Math.max(4, Math.round((1000 * EPOCH_SECONDS) / trial.milliseconds)));
    const pairs: { readonly expected: number; readonly trained: number }[] = [];
    for (let i = 0; i < rounds; i++) pairs.push(await compare(scenario, workers, steps));
    const errors = pairs.map(({ expected, trained }) => expected / trained - 1);
    yield {
      case: scenario.name,
      batch: scenario.batchSize,
      rounds,
      expectedMs: median(pairs.map(({ expected }) => expected)),
      trainedMs: median(pairs.map(({ trained }) => trained)),
      error: median(errors),
      typicalError: median(errors.map(Math.abs)),
      largestError: Math.max(...errors.map(Math.abs)),
    };
  }
}

/** Milliseconds of a step. The second epoch counts: in the first, memory is touched for the first time. */
async function compare(scenario: TrainingScenario, workers: number, steps: number) {
  const { batchSize } = scenario;
  const data = randomData(scenario, steps);
  const trainer = trainerOf(scenario, workers);
  const { epochSeconds } = await trainer.pace(data, { batchSize });
  let last: EpochResult | undefined;
  for await (const epoch of trainer.fit(data, { batchSize, epochs: 2 })) last = epoch;
  const { seconds } = last as EpochResult;
  return { expected: (1000 * epochSeconds) / steps, trained: (1000 * seconds) / steps };
}

function trainerOf(scenario: TrainingScenario, workers: number): Trainer {
  const optimizer = optimizerOf(scenario);
  return new Trainer(scenario.model(), { loss: scenario.loss, optimizer, workers, seed: 1 });
}
