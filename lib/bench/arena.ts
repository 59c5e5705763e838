import { FirstFit } from '../compile/arena/first-fit.js';
import { tightestFit } from '../compile/arena/tighten.js';
import type { Graph } from '../compile/compile.js';
import { peakOf } from '../compile/liveness/live-bytes.js';
import type { Plan } from '../compile/plan/plan.js';
import { PlanChoices } from '../compile/plan-choices.js';
import { input } from '../graph/leaf.js';
import { traced } from '../graph/trace.js';
import { grad } from '../index.js';
import { nativeKernels } from '../runtime/native-kernels.js';
import type { TrainingScenario } from './scenario.js';
import { deepScenarios } from './scenarios/deep.js';
import { chooseScenarios, chooseTrainings } from './scenarios/index.js';

/** Layout of a training step's arena, and the time that it took. */
export interface ArenaResult {
  readonly case: string;
  readonly model: string;
  readonly batch: number;
  /** Share of the quickest plan's arena, which recomputes nothing, that the plan was allowed. */
  readonly share: number;
  readonly steps: number;
  /** Number of placed blocks of memory; values written in place of others count once. */
  readonly blocks: number;
  readonly arenaBytes: number;
  /** Peak of live bytes over the steps, a lower bound of the arena. */
  readonly boundBytes: number;
  /** `arenaBytes / boundBytes`. */
  readonly ratio: number;
  /** Milliseconds to place the blocks once more. */
  readonly placeMs: number;
}

/** Places the buffers of the cases' training steps, including the deep models, with and without recomputation. */
export function* runArenaBench(
  cases: readonly string[],
  shares: readonly number[] = [1, 1 / 2, 1 / 4],
): Generator<ArenaResult> {
  const all = [...new Set([...chooseTrainings([]), ...deepScenarios])];
  for (const scenario of chooseScenarios(all, cases)) {
    const plans = new PlanChoices(trainingGraph(scenario), nativeKernels);
    for (const share of shares) {
      const compiled = share === 1 ? plans.quickest : plans.within(share * plans.quickest.plan.arenaBytes);
      if (compiled) yield arenaOf(scenario, share, compiled.plan);
    }
  }
}

/** A loss, its gradients and the buffers that the forward pass assigns, for a whole batch. */
export function trainingGraph(scenario: TrainingScenario): Graph {
  const { loss, batchSize, inputs, targets } = scenario;
  const model = scenario.model().init(1);
  const x = input('x', [batchSize, ...inputs.shape], inputs.dtype);
  const y = input('y', [batchSize, ...targets.shape], targets.dtype);
  const { result, trace } = traced(() => loss(model.forward(x), y));
  const outputs = [result, ...grad(result, model.parameters())];
  return { inputs: [x, y], outputs, assignments: trace.assignments };
}

function arenaOf({ name, title, batchSize }: TrainingScenario, share: number, plan: Plan): ArenaResult {
  const { blocks, steps, arenaBytes } = plan;
  const boundBytes = peakOf(blocks, steps.length);
  const start = performance.now();
  tightestFit(new FirstFit(blocks), boundBytes);
  const placeMs = performance.now() - start;
  return {
    case: name,
    model: title,
    batch: batchSize,
    share,
    steps: steps.length,
    blocks: blocks.length,
    arenaBytes,
    boundBytes,
    ratio: boundBytes > 0 ? arenaBytes / boundBytes : 1,
    placeMs,
  };
}
