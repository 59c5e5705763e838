import { compileGraph } from '../compile/compile.js';
import type { TypedArray } from '../graph/dtype.js';
import { input } from '../graph/leaf.js';
import type { Tensor } from '../graph/tensor.js';
import { grad } from '../index.js';
import { BRIEF } from '../profile/brief.js';
import { bind } from '../runtime/bind.js';
import { Executable } from '../runtime/executable.js';
import { nativeKernels } from '../runtime/native-kernels.js';
import { randomValues } from './random-data.js';
import type { TrainingScenario } from './scenario.js';
import { chooseTrainings } from './scenarios/index.js';

/**
 * Cost of gradients: milliseconds of a loss, and of a loss with all of its gradients, on one thread. They are
 * processor time of the quickest round of each, so that other work on the machine disturbs them little.
 */
export interface BackwardResult {
  readonly case: string;
  readonly model: string;
  readonly batch: number;
  readonly rounds: number;
  readonly forwardMs: number;
  readonly bothMs: number;
  /** Ratio of the time with gradients to that without. */
  readonly ratio: number;
}

/** Milliseconds that a round should take: long enough for the resolution of the clock. */
const ROUND_MS = BRIEF ? 2 : 40;

/** Times the forward pass, and forward and backward passes, in turn. */
export function* runBackwardBench(cases: readonly string[], rounds = 25): Generator<BackwardResult> {
  for (const scenario of chooseTrainings(cases)) yield compare(scenario, rounds);
}

function compare(scenario: TrainingScenario, rounds: number): BackwardResult {
  const { name, title, batchSize, inputs, targets } = scenario;
  const model = scenario.model().init(1);
  const x = input('x', [batchSize, ...inputs.shape], inputs.dtype);
  const y = input('y', [batchSize, ...targets.shape], targets.dtype);
  const values = [randomValues(inputs, batchSize), randomValues(targets, batchSize)];
  const loss = scenario.loss(model.forward(x), y);
  const forward = timer([x, y], [loss], values);
  const both = timer([x, y], [loss, ...grad(loss, model.parameters())], values);
  const times = Array.from({ length: rounds }, () => [forward(), both()] as const);
  const forwardMs = Math.min(...times.map(([one]) => one));
  const bothMs = Math.min(...times.map(([, two]) => two));
  return { case: name, model: title, batch: batchSize, rounds, forwardMs, bothMs, ratio: bothMs / forwardMs };
}

/** Makes a function that runs a graph repeatedly and returns the milliseconds of one run. */
function timer(
  inputs: readonly ReturnType<typeof input>[],
  outputs: readonly Tensor[],
  values: readonly TypedArray[],
) {
  const compiled = compileGraph({ inputs, outputs }, nativeKernels);
  const executable = new Executable(compiled.plan);
  const { bindings } = bind(compiled, values, outputs);
  const run = (times: number): number => {
    const start = process.cpuUsage();
    for (let i = 0; i < times; i++) executable.run(bindings, { seed: 0, step: i });
    const { user, system } = process.cpuUsage(start);
    return (user + system) / 1000 / times;
  };
  run(1);
  const times = Math.max(1, Math.round(ROUND_MS / run(2)));
  return () => run(times);
}
