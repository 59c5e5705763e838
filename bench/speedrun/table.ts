import { at } from '../../lib/graph/at.js';
import { percent } from '../../lib/text/percent.js';
import { type EntryResult, GOAL, type Run } from './race.js';

export const titles = [
  'entry',
  'reached',
  'accuracy, lowest to highest',
  'seconds: median',
  'lowest',
  'quartiles',
  'highest',
  'core-seconds: median',
  'training alone, s',
] as const;

/** The titles of columns of text. */
export const textColumns: readonly string[] = ['entry'];

/** The cells of the row of one entry. */
export function cellsOf({ entry, runs, failed }: EntryResult): string[] {
  if (runs.length === 0)
    return [entry, failed === undefined ? 'not run' : 'failed', ...titles.slice(2).map(() => '-')];
  const sorted = (of: (run: Run) => number) => runs.map(of).sort((a, b) => a - b);
  const wall = sorted(({ wallSeconds }) => wallSeconds);
  const accuracy = sorted((run) => run.accuracy);
  const figure = (values: readonly number[], share: number) => quantile(values, share).toFixed(2);
  return [
    entry,
    `${runs.filter(reached).length} of ${runs.length}`,
    `${percent(at(accuracy, 0), 2)} to ${percent(accuracy.at(-1) as number, 2)}`,
    figure(wall, 0.5),
    figure(wall, 0),
    `${figure(wall, 0.25)} to ${figure(wall, 0.75)}`,
    figure(wall, 1),
    figure(
      sorted(({ coreSeconds }) => coreSeconds),
      0.5,
    ),
    figure(
      sorted(({ trainSeconds }) => trainSeconds),
      0.5,
    ),
  ];
}

/** True if a run is as accurate as it has to be. */
export function reached({ accuracy }: Run): boolean {
  return accuracy >= GOAL;
}

/** The value below which a share of ascending values lies, between two of them in proportion. */
export function quantile(sorted: readonly number[], share: number): number {
  const place = share * (sorted.length - 1);
  const below = Math.floor(place);
  const lower = at(sorted, below);
  const upper = sorted[below + 1] ?? lower;
  return lower + (place - below) * (upper - lower);
}
