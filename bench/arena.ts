import { grad } from 'chainrule';
import { lowerGraph } from '../lib/compile/compile.js';
import { largestLiveBytes, placeInArena } from '../lib/compile/memory.js';
import type { Step } from '../lib/compile/plan.js';
import type { Value } from '../lib/compile/values.js';
import { input } from '../lib/graph/ops/leaf.js';
import { traced } from '../lib/graph/trace.js';
import type { TrainingScenario } from './scenario.js';
import { deepScenarios } from './scenarios/deep.js';
import { chooseScenarios, chooseTrainings } from './scenarios/index.js';

/** How tightly the arena of a training step is laid out, and how long that took. */
export interface ArenaResult {
  readonly case: string;
  readonly model: string;
  readonly batch: number;
  readonly steps: number;
  /** Blocks of memory that have a place; values that are written in place of others count once. */
  readonly blocks: number;
  readonly arenaBytes: number;
  /** The largest sum of bytes that are alive at the same step. */
  readonly boundBytes: number;
  /** The first over the second. */
  readonly ratio: number;
  /** Milliseconds, the second time that the steps are placed. */
  readonly placeMs: number;
}

/** Places the steps of the cases' trainings, those of the deep models too. */
export function* runArenaBench(cases: readonly string[]): Generator<ArenaResult> {
  const all = [...new Set([...chooseTrainings([]), ...deepScenarios])];
  for (const scenario of chooseScenarios(all, cases)) yield arenaOf(scenario, stepsOf(scenario));
}

/** The steps of a loss, its gradients and the buffers that the forward pass assigns, for a whole batch. */
export function stepsOf({
  model: build,
  loss,
  batchSize,
  inputs,
  targets,
}: TrainingScenario): readonly Step<Value>[] {
  const model = build().init(1);
  const x = input('x', [batchSize, ...inputs.shape], inputs.dtype);
  const y = input('y', [batchSize, ...targets.shape], targets.dtype);
  const { result, trace } = traced(() => loss(model.forward(x), y));
  const outputs = [result, ...grad(result, model.parameters())];
  return lowerGraph({ inputs: [x, y], outputs, assignments: trace.assignments }).steps;
}

function arenaOf({ name, title, batchSize }: TrainingScenario, steps: readonly Step<Value>[]): ArenaResult {
  placeInArena(steps);
  const start = performance.now();
  const { blocks, bytes } = placeInArena(steps);
  const placeMs = performance.now() - start;
  const boundBytes = largestLiveBytes(steps);
  return {
    case: name,
    model: title,
    batch: batchSize,
    steps: steps.length,
    blocks: blocks.length,
    arenaBytes: bytes,
    boundBytes,
    ratio: boundBytes > 0 ? bytes / boundBytes : 1,
    placeMs,
  };
}
