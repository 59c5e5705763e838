import type { TrainingScenario } from './scenario.js';
import { chooseTrainings } from './scenarios/index.js';
import { median } from './statistics.js';
import { type StepParts, stepParts } from './step-parts.js';
import { prepareTraining, type Subject, stepsOfRound, type Threads } from './subject.js';

/** A training case on a number of workers, each with one shard. */
export interface WorkersResult {
  readonly case: string;
  readonly model: string;
  readonly batch: number;
  readonly workers: number;
  readonly medianMs: number;
  /** Over one worker: the median over the pairs of neighbouring rounds. */
  readonly speedup: number;
  /** The speed-up for each worker. */
  readonly efficiency: number;
  /** The share of a step that more workers make no shorter, by Amdahl's law from the speed-up; 0 for one worker. */
  readonly serialShare: number;
  readonly parts: StepParts;
}

/** A training case with so many shards, beside one shard for each worker. */
export interface ShardsResult {
  readonly case: string;
  readonly model: string;
  readonly batch: number;
  readonly workers: number;
  readonly shards: number;
  readonly medianMs: number;
  /** With a shard for each worker. */
  readonly defaultMs: number;
  /** How many times longer a step takes: the median over the pairs of neighbouring rounds. */
  readonly ratio: number;
}

/** The clocks of every step are kept. */
const MOST_PROFILED_STEPS = 200;

/** Times training steps on 1, 2, ... workers in turn, and tells what the work of the pool takes of them. */
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
      const medianMs = median(times[i] as number[]);
      const steps = Math.min(MOST_PROFILED_STEPS, stepsOfRound(medianMs));
      const speedup = medianRatio(times[0] as number[], times[i] as number[]);
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

/** Times training steps with so many shards and with one for each worker in turn. */
export async function* runShardsBench(
  cases: readonly string[],
  { workers, shards }: Required<Threads> & { readonly workers: number },
  rounds = 9,
): AsyncGenerator<ShardsResult> {
  for (const scenario of chooseTrainings(cases)) {
    const times = await timeInTurn(scenario, [{ workers }, { workers, shards }], rounds);
    const [usual, cut] = times as [number[], number[]];
    const { name, title, batchSize } = scenario;
    yield {
      case: name,
      model: title,
      batch: batchSize,
      workers,
      shards,
      medianMs: median(cut),
      defaultMs: median(usual),
      ratio: medianRatio(cut, usual),
    };
  }
}

/** By Amdahl's law, with a share s that one worker alone can do: 1 / speedup = s + (1 - s) / workers. */
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

/** The median of the quotients of neighbouring rounds. */
function medianRatio(dividends: readonly number[], divisors: readonly number[]): number {
  return median(dividends.map((time, i) => time / (divisors[i] as number)));
}
