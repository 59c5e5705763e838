import { isTime } from '../../lib/bench/peer-rounds.js';
import type { Result } from '../../lib/bench/run.js';
import { geometricMean } from '../../lib/bench/statistics.js';
import {
  BEST_TITLE,
  boundTitles,
  cellsOfBound,
  cellsOfPeer,
  count,
  digits,
  titlesOfPeers,
  UNKNOWN,
} from '../../lib/bench/table.js';
import { at } from '../../lib/graph/at.js';

/** The titles of columns of text. */
export const textColumns: readonly string[] = ['case'];

/** The titles of the columns; every peer has two. */
export function titlesOf({ peers }: Result): string[] {
  return ['case', 'rows', 'ours, ms', 'rows/s', ...titlesOfPeers(peers), BEST_TITLE, ...boundTitles];
}

/** The cells of the row of one result. */
export function cellsOf(result: Result): string[] {
  const { bound } = result;
  return [
    result.case,
    String(result.batch),
    digits(result.medianMs),
    count(result.examplesPerSecond),
    ...Object.values(result.peers).flatMap(cellsOfPeer),
    result.bestRatio?.toFixed(2) ?? UNKNOWN,
    ...(bound ? cellsOfBound(bound) : [UNKNOWN, UNKNOWN]),
  ];
}

/** The geometric means of the ratios and the worst case, as sentences; none without peers. */
export function summary(results: readonly Result[]): string[] {
  const compared = results.filter(({ bestRatio }) => bestRatio !== undefined);
  if (compared.length === 0) return [];
  const names = [...new Set(compared.flatMap(({ peers }) => Object.keys(peers)))];
  const means = names.flatMap((name) => {
    const ratios = compared.flatMap(({ peers }) => {
      const peer = peers[name];
      return peer && isTime(peer) ? peer.ratio : [];
    });
    return ratios.length > 0 ? `${geometricMean(ratios).toFixed(2)} of ${name}` : [];
  });
  const best = compared.map(({ bestRatio }) => bestRatio as number);
  const worst = at(compared, best.indexOf(Math.min(...best)));
  return [
    `Geometric mean over ${compared.length} cases, in times of ours: ${means.join(', ')}, ` +
      `${geometricMean(best).toFixed(2)} of the best.`,
    `Worst case: ${worst.case} with ${worst.batch} rows, ${Math.min(...best).toFixed(2)}.`,
  ];
}
