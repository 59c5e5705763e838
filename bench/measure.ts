import { data, type EpochResult, nn, optim, Trainer } from 'chainrule';
import type { Scenario } from './scenario.js';

/** Seconds that one round should take: long enough that starting it does not count. */
const ROUND_SECONDS = 0.4;

/** Something that runs a number of training steps and says how long one took. */
export interface Subject {
  readonly name: string;
  /** Runs one round and gives the milliseconds of a step. */
  round(): Promise<number>;
  close(): Promise<void>;
}

/** Prepares a scenario in this library: threads started, plans compiled, and warmed up. */
export async function prepare(scenario: Scenario, workers: number | 'auto'): Promise<Subject> {
  const steps = await stepsPerRound(scenario, workers);
  const trainer = makeTrainer(scenario, workers);
  const epochs = trainer.fit(randomData(scenario, steps), {
    epochs: Number.MAX_SAFE_INTEGER,
    batchSize: scenario.batchSize,
  });
  await epochs.next();
  return {
    name: 'chainrule',
    async round() {
      const { value } = await epochs.next();
      return (1000 * (value as EpochResult).seconds) / steps;
    },
    async close() {
      await epochs.return();
    },
  };
}

function makeTrainer(scenario: Scenario, workers: number | 'auto'): Trainer {
  return new Trainer(scenario.model(), { loss: nn.crossEntropy, optimizer: optim.adam(), workers, seed: 1 });
}

async function stepsPerRound(scenario: Scenario, workers: number | 'auto'): Promise<number> {
  const trainer = makeTrainer(scenario, workers);
  let seconds = 0;
  const trial = 3;
  const options = { epochs: 3, batchSize: scenario.batchSize };
  for await (const epoch of trainer.fit(randomData(scenario, trial), options)) seconds = epoch.seconds;
  // The data set holds every sample of a round, so its size is bounded too.
  return Math.min(4000, Math.max(3, Math.round((ROUND_SECONDS * trial) / seconds)));
}

/** Uniform inputs and labels, the same at every call. */
function randomData({ input, classes, batchSize }: Scenario, steps: number) {
  const samples = steps * batchSize;
  const size = input.reduce((a, b) => a * b, 1);
  const inputs = new Float32Array(samples * size);
  const targets = new Int32Array(samples);
  let state = 1;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  for (let i = 0; i < inputs.length; i++) inputs[i] = next();
  for (let i = 0; i < samples; i++) targets[i] = Math.floor(next() * classes);
  return data.fromArrays(inputs, targets, { inputs: { shape: input } });
}
