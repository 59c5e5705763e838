import { checked } from '../graph/arguments/checked.js';
import { optional } from '../graph/arguments/kind.js';
import { type TableOptions, tableOptions } from '../health/table-options.js';
import { table } from '../text/table.js';
import type { MemoryPlan, Pace } from '../train/index.js';
import { memoryPlan, pace as paceKind } from './kinds.js';
import { headline, tablesOf } from './tables.js';

/**
 * Formats a plan as tables of text: memory by purpose, the arena of a worker, the work of a step, and the cost of other
 * budgets.
 *
 * @param pace time of steps and epochs; see `Trainer.pace`
 * @param options `columns`, the width of the tables
 */
export const formatPlan = checked(
  'formatPlan',
  { plan: memoryPlan, pace: optional(paceKind), options: optional(tableOptions) },
  (plan: MemoryPlan, pace?: Pace, { columns }: TableOptions = {}): string => {
    const tables = tablesOf(plan, pace).map(
      ({ title, header, rows }) => `${title}:\n${table(header, rows, columns)}`,
    );
    return [headline(plan), ...tables].join('\n\n');
  },
);
