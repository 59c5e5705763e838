import { trainingGraph } from '../../lib/bench/arena.js';
import { deepScenarios } from '../../lib/bench/scenarios/deep.js';
import { chooseTrainings } from '../../lib/bench/scenarios/index.js';
import { lowerGraph } from '../../lib/compile/compile.js';
import { type Actions, actionsOf } from '../../lib/compile/recompute/actions.js';
import { type Choice, type Stage, searchChoices, stages } from '../../lib/compile/recompute/choices.js';
import { at } from '../../lib/graph/at.js';
import { nativeKernels } from '../../lib/runtime/native-kernels.js';
import { percent } from '../../lib/text/percent.js';

/** Operations of the plan within a budget without a stage, as a ratio to those with all; undefined if none fits. */
interface Measured {
  readonly model: string;
  readonly ratio: number | undefined;
}

/** What the search is like without a stage. */
export interface StageResult {
  readonly stage: Stage;
  /** One for each model and budget. */
  readonly measured: readonly Measured[];
  /** The share of the search's processor time that the stage takes. */
  readonly time: number;
}

/** Number of budgets of a model, evenly spaced from the peak of its quickest sequence to the lowest one found. */
const BUDGETS = 10;

/** Searches for the plans of all training scenarios, with all stages and without each of them. */
export function runStages(): StageResult[] {
  const all = [...new Set([...chooseTrainings([]), ...deepScenarios])].map((scenario) => {
    const actions = actionsOf(lowerGraph(trainingGraph(scenario), nativeKernels).steps);
    return { model: scenario.name, actions, ...timed(() => searchChoices(actions)) };
  });
  const whole = all.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
  return stages.map((stage) => {
    let spent = 0;
    const measured = all.flatMap(({ model, actions, result: reference }) => {
      const { result, milliseconds } = timed(() => searchChoices(actions, [stage]));
      spent += milliseconds;
      return budgetsOf(reference).map((budget): Measured => {
        const [most, least] = [within(result, budget), within(reference, budget)];
        const ratio = most && least && operations(most, actions) / operations(least, actions);
        return { model, ratio };
      });
    });
    return { stage, measured, time: 1 - spent / whole };
  });
}

/** The stages as a table. */
export function stageTable(results: readonly StageResult[]): string {
  const columns = ['without', 'worst', 'of', 'mean', 'budgets that no plan fits', 'share of the time'];
  const rows = results.map(({ stage, measured, time }) => {
    const found = measured.flatMap(({ model, ratio }) => (ratio === undefined ? [] : [{ model, ratio }]));
    const worst = found.reduce((most, own) => (own.ratio > most.ratio ? own : most));
    const mean = found.reduce((sum, { ratio }) => sum + ratio, 0) / found.length;
    const missed = `${measured.length - found.length} of ${measured.length}`;
    return [stage, percent(worst.ratio - 1), worst.model, percent(mean - 1), missed, percent(time)];
  });
  const rule = columns.map((_, i) => (i === 0 || i === 2 ? '---' : '---:'));
  return [columns, rule, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function budgetsOf(choices: readonly Choice[]): number[] {
  const peaks = choices.map(({ peak }) => peak);
  const [most, least] = [Math.max(...peaks), Math.min(...peaks)];
  return Array.from({ length: BUDGETS }, (_, i) =>
    Math.max(least, Math.floor(most - ((most - least) * i) / (BUDGETS - 1))),
  );
}

function within(choices: readonly Choice[], budget: number): Choice | undefined {
  return choices.find(({ peak }) => peak <= budget);
}

/** The floating-point operations of a plan. */
function operations({ sequence }: Choice, { steps }: Actions): number {
  const each = steps.map((group) => group.reduce((sum, { flops }) => sum + flops, 0));
  return sequence.reduce((sum, action) => sum + at(each, action), 0);
}

/** A result and the processor time that it took. */
function timed<T>(work: () => T): { result: T; milliseconds: number } {
  const start = process.cpuUsage();
  const result = work();
  const { user, system } = process.cpuUsage(start);
  return { result, milliseconds: (user + system) / 1000 };
}
