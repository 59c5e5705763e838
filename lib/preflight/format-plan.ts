import { table } from '../health/table.js';
import type { MemoryPlan, Pace } from '../train/index.js';
import { headline, tablesOf } from './tables.js';

/**
 * A plan as tables of text: what training takes by what it is for, in the arena of a worker, the work of a step, and what other
 * budgets would cost.
 *
 * @param pace tells the time of steps and epochs; see `Trainer.pace`
 */
export function formatPlan(plan: MemoryPlan, pace?: Pace): string {
  const tables = tablesOf(plan, pace).map(({ title, header, rows }) => `${title}:\n${table(header, rows)}`);
  return [headline(plan), ...tables].join('\n\n');
}
