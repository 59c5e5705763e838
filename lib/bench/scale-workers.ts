import { at } from '../graph/at.js';
import { Trainer } from '../index.js';
import { optimizerOf } from './figures.js';
import { randomData } from './random-data.js';
import type { TrainingScenario } from './scenario.js';
import { chooseTrainings } from './scenarios/index.js';
import { median } from './statistics.js';
import { type StepParts, stepParts } from './step-parts.js';
import { prepareTraining, type Subject, stepsOfRound, type Threads } from './subject.js';

/** A training case on a number of workers. */
export interface WorkersResult {
  readonly case: string;
  readonly model: string;
  readonly batch: number;
  readonly workers: number;
  readonly medianMs: number;
  /** Speed-up over one worker: the median over the pairs of neighbouring rounds. */
  readonly speedup: number;
  /** Speed-up per worker. */
  readonly efficiency: number;
  /** Share of a step that more workers do not shorten, by Amdahl's law from the speed-up; 0 for one worker. */
  readonly serialShare: number;
  readonly parts: StepParts;
}

/** A training case with a number of shards, compared with one shard for each worker. */
export interface ShardsResult {
  readonly case: string;
  readonly model: string;
  readonly batch: number;
  readonly workers: number;
  readonly shards: number;
  readonly medianMs: number;
  /** Median milliseconds with a shard for each worker. */
  readonly oneEachMs: number;
  /** Ratio of the times of a step: the median over the pairs of neighbouring rounds. */
  readonly ratio: number;
}

/** Limit on profiled steps, since the clocks of every one are kept. */
const MOST_PROFILED_STEPS = 200;

/** Times training steps on 1, 2, ... workers in turn, and breaks a step down into the parts of the pool's work. */
export async function* runScaleWorkersBench(
  cases: readonly string[],
  most: number,
  rounds = 9,
): AsyncGenerator<WorkersResult> {
  for (const scenario of chooseTrainings(cases)) {
    const threads = Array.from({ length: most }, (_, i) => ({ workers: i + 1 }));
    const times = await timeInTurn(scenario, threads, rounds);
    const { name, title, batchSize } = scenario;
    for (const [i, { workers }] of threads.entries()) {
      const medianMs = median(at(times, i));
      const steps = Math.min(MOST_PROFILED_STEPS, stepsOfRound(medianMs));
      const speedup = medianRatio(at(times, 0), at(times, i));
      yield {
        case: name,
        model: title,
        batch: batchSize,
        workers,
        medianMs,
        speedup,
        efficiency: speedup / workers,
        serialShare: serialShare(speedup, workers),
        parts: await stepParts(scenario, { workers, steps }),
      };
    }
  }
}

/** Times training steps with `shards`, by default as a trainer chooses, and with one for each worker, in turn. */
export async function* runShardsBench(
  cases: readonly string[],
  { workers, shards: asked }: Threads & { readonly workers: number },
  rounds = 9,
): AsyncGenerator<ShardsResult> {
  for (const scenario of chooseTrainings(cases)) {
    const shards = asked ?? shardsOf(scenario);
    const times = await timeInTurn(
      scenario,
      [
        { workers, shards: workers },
        { workers, shards },
      ],
      rounds,
    );
    const [oneEach, cut] = times as [number[], number[]];
    const { name, title, batchSize } = scenario;
    yield {
      case: name,
      model: title,
      batch: batchSize,
      workers,
      shards,
      medianMs: median(cut),
      oneEachMs: median(oneEach),
      ratio: medianRatio(cut, oneEach),
    };
  }
}

/** The shards that a trainer chooses. */
function shardsOf(scenario: TrainingScenario): number {
  const { loss, batchSize } = scenario;
  const trainer = new Trainer(scenario.model(), { loss, optimizer: optimizerOf(scenario), workers: 1 });
  return trainer.plan(randomData(scenario, 1), { batchSize }).shards;
}

/** The serial share s by Amdahl's law: 1 / speedup = s + (1 - s) / workers. */
export function serialShare(speedup: number, workers: number): number {
  return workers === 1 ? 0 : (workers / speedup - 1) / (workers - 1);
}

/** Milliseconds of a step, by threads and round. */
async function timeInTurn(
  scenario: TrainingScenario,
  threads: readonly Threads[],
  rounds: number,
): Promise<number[][]> {
  const subjects: Subject[] = [];
  const times: number[][] = threads.map(() => []);
  try {
    for (const some of threads) subjects.push(await prepareTraining(scenario, some));
    for (let i = 0; i < rounds; i++) {
      for (const [s, subject] of subjects.entries()) times[s]?.push(await subject.round());
    }
  } finally {
    for (const subject of subjects) await subject.close();
  }
  return times;
}

/** The median of the ratios of neighbouring rounds. */
function medianRatio(dividends: readonly number[], divisors: readonly number[]): number {
  return median(dividends.map((time, i) => time / at(divisors, i)));
}
