import { percent } from '../../lib/text/percent.js';
import { allowanceFor } from './allowance.js';
import type { SweepRow } from './sweep.js';

const columns = [
  'model',
  'workers',
  'promised, MB',
  'planned, MB',
  'arena, MB',
  'measured, MB',
  'beyond the plan, MB',
  'extra FLOPs',
  'ms per step',
  'time',
  '',
] as const;

/** The sweep as a table: one line for each model and budget. */
export function sweepTable(rows: readonly SweepRow[]): string {
  const rule = columns.map((title, i) => (i === 0 || title === '' ? '---' : '---:'));
  return [columns, rule, ...rows.map(cellsOf)].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** Summary of the rows in sentences. */
export function sweepSummary(rows: readonly SweepRow[]): string {
  const trained = rows.filter((row) => row.trained);
  const refusals = rows.flatMap(({ refused }) => refused ?? []);
  const broken = rows.filter(({ kept }) => !kept).length;
  const beyond = trained.map((row) => ({ row, bytes: beyondPlan(row) })).sort((a, b) => b.bytes - a.bytes)[0];
  return [
    `${trained.length} trainings and ${refusals.length} refusals; ` +
      (broken === 0 ? 'every promise was kept.' : `${broken} PROMISES WERE NOT KEPT.`),
    ...(beyond
      ? [
          `The most beyond a plan was ${megabytes(beyond.bytes)} MB, of ${beyond.row.model} on ` +
            `${beyond.row.workers} ${beyond.row.workers === 1 ? 'worker' : 'workers'}, where the allowance is ` +
            `${megabytes(allowanceFor(beyond.row.workers))} MB.`,
        ]
      : []),
    ...(refusals.length > 0
      ? [
          `A refusal took ${Math.round(Math.max(...refusals.map(({ milliseconds }) => milliseconds)))} ms at most, ` +
            `and ${Math.max(...refusals.map(({ threads }) => threads)) === 0 ? 'no thread was' : 'THREADS WERE'} ` +
            'started.',
        ]
      : []),
  ].join(' ');
}

function cellsOf(row: SweepRow): string[] {
  const { model, workers, budget, trained, refused } = row;
  const head = [model, String(workers), megabytes(budget)];
  const verdict = row.kept ? '' : '**not kept**';
  if (refused) {
    const grown = megabytes(refused.grown);
    const note = `refused in ${Math.round(refused.milliseconds)} ms`;
    return [...head, '', '', grown, '', '', '', '', [note, verdict].filter(Boolean).join(', ')];
  }
  if (!trained) return [...head, '', '', '', '', '', '', '', verdict];
  const { planned, grown, time } = trained;
  return [
    ...head,
    megabytes(planned.bytes),
    megabytes(planned.arena),
    megabytes(grown),
    megabytes(beyondPlan(row)),
    percent(planned.recomputedFlops / (planned.flops - planned.recomputedFlops)),
    time ? time.milliseconds.toFixed(0) : '',
    time ? `x ${time.ratio.toFixed(2)}` : '',
    verdict,
  ];
}

function beyondPlan({ trained }: SweepRow): number {
  return trained ? trained.grown - trained.planned.bytes : 0;
}

export function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(Math.abs(bytes) < 10e6 ? 1 : 0);
}
