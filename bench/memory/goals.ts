import { chooseScenarios } from '../../lib/bench/scenarios/index.js';
import { percent } from '../../lib/text/percent.js';
import { askToPlan, askToTrain } from './ask.js';
import { memoryScenarios } from './models.js';
import type { Planned, Timed } from './protocol.js';
import { megabytes } from './table.js';

/** Goal for a model within a memory budget. */
export interface Goal {
  /** Largest arena, as a share of the arena without a budget. */
  readonly share: number;
  /** Largest ratio of the time of a step to that without a budget; any if absent. */
  readonly ratio?: number;
  /** Largest planning time in milliseconds; any if absent. */
  readonly planning?: number;
}

/** Measured result for a goal. */
export interface GoalResult {
  readonly model: string;
  readonly goal: Goal;
  /** The plan without a budget. */
  readonly plain: Planned;
  /** The plan within the budget. */
  readonly planned: Planned;
  readonly time?: Timed;
  readonly reached: boolean;
}

/** A quarter of the memory for 25 % more time; and 2 / sqrt(n) of it for n layers (Chen et al. 2016) for 40 % more. */
const ofLayers = (layers: number, planning?: number): Goal[] =>
  [
    { share: 0.25, ratio: 1.25 },
    { share: 2 / Math.sqrt(layers), ratio: 1.4 },
  ].map((goal) => (planning === undefined ? goal : { ...goal, planning }));

const goals: Readonly<Record<string, readonly Goal[]>> = {
  mlp64: ofLayers(64),
  resnet20: ofLayers(20),
  resnet56: ofLayers(56, 2000),
  gpt8: ofLayers(8),
  residual1000: [
    { share: 0.1, planning: 10_000 },
    { share: 2 / Math.sqrt(1000), ratio: 1.4 },
  ],
};

/** Plans and times each model within the budgets that follow from its goals; all models if no names are given. */
export async function* runGoals(
  models: readonly string[],
  { workers = 2, rounds = 7 } = {},
): AsyncGenerator<GoalResult> {
  const named = models.length > 0 ? models : Object.keys(goals);
  for (const { name: model } of chooseScenarios(memoryScenarios, named)) {
    const request = { scenario: model, workers, rounds };
    const plain = await askToPlan(request);
    for (const goal of goals[model] ?? []) {
      const wanted = Math.floor(plain.bytes - workers * plain.arena * (1 - goal.share));
      const memory = Math.max(wanted, plain.smallest);
      const planned = await askToPlan({ ...request, memory });
      const { trained } = await askToTrain({ ...request, memory });
      const time = trained?.time;
      const reached =
        planned.arena <= goal.share * plain.arena &&
        time !== undefined &&
        time.sameLosses &&
        time.ratio <= (goal.ratio ?? Number.POSITIVE_INFINITY) &&
        planned.milliseconds <= (goal.planning ?? Number.POSITIVE_INFINITY);
      yield { model, goal, plain, planned, ...(time ? { time } : {}), reached };
    }
  }
}

/** The goals as a table. */
export function goalTable(results: readonly GoalResult[]): string {
  const columns = [
    'model',
    'wanted: share, time',
    'arena, MB',
    'with a budget, MB',
    'share',
    'extra FLOPs',
    'time',
    'planning, ms',
    '',
  ];
  const rule = columns.map((title, i) => (i === 0 || title === '' ? '---' : '---:'));
  const rows = results.map(({ model, goal, plain, planned, time, reached }) => [
    model,
    `${percent(goal.share)}${goal.ratio === undefined ? '' : `, x ${goal.ratio}`}`,
    megabytes(plain.arena),
    megabytes(planned.arena),
    percent(planned.arena / plain.arena),
    percent(planned.recomputedFlops / (planned.flops - planned.recomputedFlops)),
    time ? `x ${time.ratio.toFixed(2)}` : '',
    planned.milliseconds.toFixed(0),
    reached ? 'reached' : 'missed',
  ]);
  return [columns, rule, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
