import type { MemoryPlan, Pace } from '../train/index.js';
import { drawCurve } from './curve-picture.js';
import { drawMemory } from './memory-picture.js';
import { escaped, tag } from './svg.js';
import { type FigureTable, headline, tablesOf } from './tables.js';

const STYLE = `
:root { color-scheme: light dark; --ink: #24292f; --soft: #57606a; --line: #d0d7de; --ground: #fff }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --soft: #9198a1; --line: #30363d; --ground: #0d1117 } }
body { font: 14px/1.5 system-ui, "DejaVu Sans", sans-serif; color: var(--ink); background: var(--ground);\
 max-width: 1000px; margin: 2em auto; padding: 0 1em }
h1 { font-size: 22px } h2 { font-size: 16px; margin: 1.6em 0 .4em } .figures h2 { margin-top: 0 }
.figures { margin-top: 2em }
p { color: var(--soft); max-width: 44em }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(420px, 1fr)); gap: 2em; align-items: start }
table { border-collapse: collapse; font-variant-numeric: tabular-nums }
th { font-weight: normal; color: var(--soft) }
th, td { text-align: right; white-space: nowrap; padding: .15em 0 .15em 1.5em; border-bottom: 1px solid var(--line) }
th:first-child, td:first-child { text-align: left; padding-left: 0 }
svg { max-width: 100%; height: auto }`;

/**
 * Renders a plan as a self-contained web page: its figures, the cost of budgets, and the memory over the schedule.
 *
 * @param name of the model or file, for the title
 */
export function planPage(name: string, plan: MemoryPlan, pace?: Pace): string {
  const { plans, budget } = plan;
  const title = `Before training ${name}`;
  const both = [
    { name: budget ? 'Without a budget' : 'Of one worker', plan: plans.before },
    ...(budget ? [{ name: 'Within the budget', plan: plans.after }] : []),
  ];
  const limit = arenaLimit(plan);
  return [
    '<!doctype html>',
    '<html lang="en">',
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width">',
    tag('title', {}, escaped(title)),
    tag('style', {}, STYLE),
    tag('h1', {}, escaped(title)),
    tag('p', {}, escaped(headline(plan))),
    tag('h2', {}, 'Memory over the schedule'),
    tag('p', {}, EXPLANATION),
    drawMemory(both, limit === undefined ? {} : { limit }),
    tag('div', { class: 'figures' }, ...tablesOf(plan, pace).map(tableOf), curve(plan)),
    '</html>',
    '',
  ].join('\n');
}

const EXPLANATION =
  'The arena of one worker, for its largest shard, or for several that one plan computes at once. Each rectangle is a ' +
  'tensor: from the step that writes it to the last that reads it, at its place in the arena. The curve is the sum of ' +
  'what is alive. Point at a rectangle for its op and layer.';

/** Bytes that the budget leaves for each arena; undefined without a budget. */
export function arenaLimit({ budget, peak, worker, workers }: MemoryPlan): number | undefined {
  return budget && worker.arena + (budget.bytes - peak) / (workers * worker.instances);
}

function curve(plan: MemoryPlan): string {
  return tag('div', {}, tag('h2', {}, 'Operations against memory'), drawCurve(plan));
}

function tableOf({ title, header, rows }: FigureTable): string {
  const line = (cells: readonly string[], kind: string) =>
    tag('tr', {}, ...cells.map((cell) => tag(kind, {}, escaped(cell))));
  const body = [line(header, 'th'), ...rows.map((row) => line(row, 'td'))];
  return tag('div', {}, tag('h2', {}, escaped(title)), tag('table', {}, ...body));
}
