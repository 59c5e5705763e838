import { formatBytes } from '../runtime/memory-size.js';
import { percent } from '../text/percent.js';
import type { MemoryPlan, Pace } from '../train/index.js';

/** Figures of a plan as a table with a title. */
export interface FigureTable {
  readonly title: string;
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** The memory of training in one sentence. */
export function headline({ budget, peak, batchSize, shards, workers }: MemoryPlan): string {
  const limit = budget ? `, within a budget of ${formatBytes(budget.bytes)}` : '';
  const cut = `${plural(shards, 'shard')} on ${plural(workers, 'worker')}`;
  return `${formatBytes(peak)} of memory in all${limit}, for batches of ${plural(batchSize, 'sample')} in ${cut}.`;
}

/** All figures, from memory by purpose to the cost of other budgets. */
export function tablesOf(plan: MemoryPlan, pace?: Pace): FigureTable[] {
  const parts = plan.kept.length + plan.untrained.length > 0 ? [partsTable(plan)] : [];
  return [memoryTable(plan), arenaTable(plan), workTable(plan, pace), ...parts, curveTable(plan)];
}

/** Recomputed operations as a share of the necessary ones. */
export function extraShare({ flops, recomputedFlops }: MemoryPlan, again = recomputedFlops): number {
  return again / (flops - recomputedFlops);
}

/** Formats a share as a percentage with a plus sign. */
export function extra(share: number): string {
  return `+${percent(share)}`;
}

function memoryTable({ shared, worker, workers, perWorkers, peak }: MemoryPlan): FigureTable {
  const { arena, instances, inputs, plans, total } = worker;
  const each = (name: string, bytes: number) => [name, formatBytes(bytes), ''];
  const once = (name: string, bytes: number) => [name, '', formatBytes(bytes)];
  const arenas =
    instances === 1
      ? 'arena'
      : `${instances} arenas, of shards that run at the same time, the first of ${formatBytes(arena)}`;
  return {
    title: 'Memory, by what it is for',
    header: ['', 'a worker', 'in all'],
    rows: [
      once('parameters and buffers', shared.parameters),
      once('gradients', shared.gradients),
      once('state of the optimiser', shared.optimizer),
      once('copies, figures and constants', shared.other),
      each(arenas, total - inputs - plans),
      each('inputs', inputs),
      each('plans and what kernels keep', plans),
      [workers === 1 ? 'the worker' : `all ${workers} workers`, formatBytes(total), formatBytes(perWorkers)],
      once('peak', peak),
    ],
  };
}

function arenaTable({ worker }: MemoryPlan): FigureTable {
  const { kept, recomputed, workspace, arena, instances } = worker;
  const which = instances === 1 ? 'The arena' : 'The first arena';
  return {
    title: `${which} of a worker, for what its steps compute`,
    header: ['', 'a worker'],
    rows: [
      ['activations kept for the backward pass', formatBytes(kept)],
      ['activations given up, and computed again', formatBytes(recomputed)],
      ['workspace of one kernel, at most', formatBytes(workspace)],
      ['arena: the most at a time, with gradients on their way', formatBytes(arena)],
    ],
  };
}

function workTable(plan: MemoryPlan, pace: Pace | undefined): FigureTable {
  const { flops, recomputedFlops, steps } = plan;
  const again =
    recomputedFlops === 0 ? 'nothing' : `${operations(recomputedFlops)} (${extra(extraShare(plan))})`;
  const known = Number.isFinite(steps);
  return {
    title: 'A training step, and an epoch',
    header: ['', 'in all'],
    rows: [
      ['floating-point operations', operations(flops)],
      ['of them to compute values again', again],
      ...(pace
        ? [
            ['time', `${pace.milliseconds.toPrecision(3)} ms`],
            ['samples in a second', whole(pace.examplesPerSecond)],
            ['operations in a second', operations(flops / (pace.milliseconds / 1000))],
            [
              known ? `time of an epoch of ${plural(steps, 'step')}` : 'time of an epoch',
              duration(pace.epochSeconds),
            ],
            ['steps that were timed', whole(pace.steps)],
          ]
        : known
          ? [['steps of an epoch', whole(steps)]]
          : []),
    ],
  };
}

function partsTable({ kept, untrained }: MemoryPlan): FigureTable {
  return {
    title: 'Parts that are left out of training',
    header: ['', 'how', 'because of'],
    rows: [
      ...kept.map(({ path, by }) => [path, 'kept in inference', `${by}()`]),
      ...untrained.map((path) => [path, 'no gradient', 'the loss does not depend on it']),
    ],
  };
}

function curveTable(plan: MemoryPlan): FigureTable {
  return {
    title:
      plan.curve.length === 1
        ? 'The smallest budget, where shards run one at a time and recomputing would save nothing'
        : 'What other budgets would cost, where shards run one at a time',
    header: ['peak in all', 'arena of a worker', 'computed again', 'more operations'],
    rows: plan.curve.map(({ bytes, arena, recomputedFlops }) => [
      formatBytes(bytes),
      formatBytes(arena),
      operations(recomputedFlops),
      extra(extraShare(plan, recomputedFlops)),
    ]),
  };
}

/** Formats a number of floating-point operations with three digits: `1.23 GFLOP`. */
function operations(flops: number): string {
  const units = ['', 'k', 'M', 'G', 'T'];
  const power = Math.max(
    0,
    units.findLastIndex((_, i) => flops >= 1000 ** i),
  );
  return `${Number((flops / 1000 ** power).toPrecision(3))} ${units[power]}FLOP`;
}

function duration(seconds: number): string {
  if (seconds < 120) return `${seconds.toPrecision(3)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

function plural(value: number, name: string): string {
  return `${whole(value)} ${name}${value === 1 ? '' : 's'}`;
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}
