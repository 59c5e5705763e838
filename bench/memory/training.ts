import { ChainruleError, type data, Trainer } from 'chainrule';
import { optimizerOf } from '../../lib/bench/figures.js';
import { randomData } from '../../lib/bench/random-data.js';
import type { TrainingScenario } from '../../lib/bench/scenario.js';
import { median } from '../../lib/bench/statistics.js';
import { addon } from '../../lib/runtime/addon.js';
import type { Answer, Planned, Request, Timed } from './protocol.js';
import { ResidentGrowth } from './resident.js';

/** Steps of a round, and of the two rounds whose memory is measured. */
const STEPS = 2;

/** Trains within a budget, and measures the growth of this process. Nothing else should have run in it before. */
export async function trainWithin(scenario: TrainingScenario, request: Request): Promise<Answer> {
  const samples = randomData(scenario, STEPS);
  const { batchSize } = scenario;
  let threads = 0;
  process.on('worker', () => {
    threads++;
  });
  // The code of the addon is not what training takes.
  addon();
  const growth = new ResidentGrowth();
  const trainer = trainerOf(scenario, request);
  const start = performance.now();
  const epochs = trainer.fit(samples, { epochs: Number.MAX_SAFE_INTEGER, batchSize });
  try {
    const losses = [...(await lossesOf(epochs)), ...(await lossesOf(epochs))];
    const grown = growth.bytes;
    const time = request.rounds > 0 ? await timeBeside(epochs, losses, scenario, request) : undefined;
    await epochs.return();
    return { trained: { planned: plan(scenario, request, samples), grown, ...(time ? { time } : {}) } };
  } catch (error) {
    if (!(error instanceof ChainruleError) || error.code !== 'ERR_CHAINRULE_BUDGET') throw error;
    const milliseconds = performance.now() - start;
    return { refused: { message: error.message, milliseconds, threads, grown: growth.bytes } };
  } finally {
    growth.stop();
  }
}

/** Plans a training without running it. */
export function planOnly(scenario: TrainingScenario, request: Request): Planned {
  return plan(scenario, request, randomData(scenario, STEPS));
}

type Epochs = ReturnType<Trainer['fit']>;

/** Times rounds in turn with a trainer without a budget, so that other work on the machine affects both. */
async function timeBeside(
  epochs: Epochs,
  losses: readonly number[],
  scenario: TrainingScenario,
  { workers, rounds }: Request,
): Promise<Timed> {
  const options = { epochs: Number.MAX_SAFE_INTEGER, batchSize: scenario.batchSize };
  const plain = trainerOf(scenario, { workers }).fit(randomData(scenario, STEPS), options);
  const plainLosses = [...(await lossesOf(plain)), ...(await lossesOf(plain))];
  const pairs: (readonly [own: number, plain: number])[] = [];
  for (let round = 0; round < rounds; round++) pairs.push([await seconds(epochs), await seconds(plain)]);
  await plain.return();
  return {
    milliseconds: (1000 * median(pairs.map(([own]) => own))) / STEPS,
    ratio: median(pairs.map(([own, other]) => own / other)),
    sameLosses: losses.every((loss, i) => loss === plainLosses[i]),
  };
}

async function lossesOf(epochs: Epochs): Promise<readonly number[]> {
  const { value } = await epochs.next();
  return [...(value?.stepLosses ?? [])];
}

async function seconds(epochs: Epochs): Promise<number> {
  const { value } = await epochs.next();
  return value?.seconds ?? Number.NaN;
}

function trainerOf(
  scenario: TrainingScenario,
  { workers, memory }: Pick<Request, 'workers' | 'memory'>,
): Trainer {
  const budget = memory === undefined ? {} : { memory };
  const options = { loss: scenario.loss, optimizer: optimizerOf(scenario), workers, seed: 1 };
  return new Trainer(scenario.model(), { ...options, ...budget });
}

function plan(scenario: TrainingScenario, request: Request, samples: data.Dataset): Planned {
  const trainer = trainerOf(scenario, request);
  const start = performance.now();
  const { peak, worker, flops, recomputedFlops, curve } = trainer.plan(samples, {
    batchSize: scenario.batchSize,
  });
  return {
    bytes: peak,
    arena: worker.arena,
    kept: worker.kept,
    flops,
    recomputedFlops,
    smallest: Math.min(...curve.map(({ bytes }) => bytes)),
    milliseconds: performance.now() - start,
  };
}
