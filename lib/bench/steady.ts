import { Trainer } from '../index.js';
import { collectGarbage } from '../runtime/collect-garbage.js';
import { optimizerOf } from './figures.js';
import { randomData } from './random-data.js';
import type { TrainingScenario } from './scenario.js';
import { chooseScenarios } from './scenarios/index.js';
import { mnistMlp } from './scenarios/mnist-mlp.js';
import { tinyMlp } from './scenarios/tiny-mlp.js';

/** Memory of the process after a number of training steps. */
export interface Memory {
  readonly case: string;
  readonly step: number;
  /** Bytes in use in the main thread's heap after a collection. */
  readonly heapBytes: number;
  /** Bytes of typed arrays and other memory outside the JavaScript heap. */
  readonly externalBytes: number;
  /** Resident memory of the process with all of its threads. */
  readonly rssBytes: number;
}

/** Steps before the first measurement: threads start, arenas are allocated, and the engine compiles hot code. */
const WARM_UP = 500;

const INTERVAL = 100;

const scenarios: readonly TrainingScenario[] = [tinyMlp, mnistMlp];

/** Trains for a number of steps, and measures the memory before and after every hundred of them. */
export async function* runSteadyBench(
  cases: readonly string[],
  workers: number,
  steps = 1000,
): AsyncGenerator<Memory> {
  for (const scenario of chooseScenarios(scenarios, cases)) yield* watch(scenario, workers, steps);
}

async function* watch(scenario: TrainingScenario, workers: number, steps: number): AsyncGenerator<Memory> {
  const { name, loss, batchSize } = scenario;
  const trainer = new Trainer(scenario.model(), { loss, optimizer: optimizerOf(scenario), workers });
  const options = { epochs: (WARM_UP + steps) / INTERVAL, batchSize };
  for await (const _ of trainer.fit(randomData(scenario, INTERVAL), options)) {
    const step = trainer.steps - WARM_UP;
    if (step >= 0) yield { case: name, step, ...(await memoryNow()) };
  }
}

async function memoryNow() {
  await collectGarbage();
  const { heapUsed, external, rss } = process.memoryUsage();
  return { heapBytes: heapUsed, externalBytes: external, rssBytes: rss };
}
