import { enumerate } from '../text/names.js';
import { percent } from '../text/percent.js';
import type { Bound } from './limits/case-bound.js';
import { type EqualThreads, isTime, type PeerResult } from './peer-rounds.js';
import type { Result } from './run.js';
import { geometricMean } from './statistics.js';

const columns = [
  ['case', '---'],
  ['model', '---'],
  ['batch', '---:'],
  ['median, ms', '---:'],
  ['min, ms', '---:'],
  ['examples/s', '---:'],
  ['GFLOP/s', '---:'],
  ['of peak', '---:'],
  ['arena, MB', '---:'],
  ['compile, ms', '---:'],
] as const;

/** What stands for a figure that there is not. */
export const UNKNOWN = '-';

/** The titles of columns of text. */
export const textColumns: readonly string[] = columns
  .filter(([, rule]) => rule === '---')
  .map(([title]) => title);

/** The titles of the columns; every peer has two. */
export function titlesOf({ peers, bound }: Result): string[] {
  return [
    ...columns.map(([title]) => title),
    ...(bound ? boundTitles : []),
    ...titlesOfPeers(peers),
    ...(Object.keys(peers).length > 1 ? [BEST_TITLE] : []),
  ];
}

/** The titles of the two columns of each peer. */
export function titlesOfPeers(peers: Result['peers']): string[] {
  return Object.keys(peers).flatMap((name) => [`${name}, ms`, `times faster than ${name}`]);
}

/** The title of the column of the smallest ratio. */
export const BEST_TITLE = 'than the best';

/** The titles of the columns of a bound. */
export const boundTitles = ['bound, ms', 'of bound'] as const;

/** The cells of the row of one result. */
export function cellsOf(result: Result): string[] {
  const peers = Object.values(result.peers);
  return [
    result.case,
    result.model,
    String(result.batch),
    digits(result.medianMs),
    digits(result.minMs),
    count(result.examplesPerSecond),
    digits(result.gflopsPerSecond),
    percent(result.shareOfPeak),
    digits(result.arenaBytes / 1e6),
    digits(result.compileMs),
    ...(result.bound ? cellsOfBound(result.bound) : []),
    ...peers.flatMap(cellsOfPeer),
    ...(peers.length > 1 ? [result.bestRatio?.toFixed(2) ?? UNKNOWN] : []),
  ];
}

/** The cells of a bound: the time, what sets it, and the share that is reached. */
export function cellsOfBound({ ms, by, share, reached }: Bound): [string, string] {
  return [`${digits(ms)} (${by})`, `${percent(share)}${reached ? ', reached' : ''}`];
}

/** The cells of a peer: its time and the ratio to ours. */
export function cellsOfPeer(result: PeerResult): [string, string] {
  if (!isTime(result)) return ['failed', UNKNOWN];
  const { medianMs, variant, ratio, equalThreads } = result;
  return [
    `${digits(medianMs)} (${variant})`,
    `${ratio.toFixed(2)}${equalThreads ? besideEqual(equalThreads) : ''}`,
  ];
}

/** The ratio with as many threads of ours as the peer has, and our time with them. */
function besideEqual({ threads, ourMs, ratio }: EqualThreads): string {
  return ` (${ratio.toFixed(2)} with ${threads === 1 ? 'one thread' : `${threads} threads`}, ${digits(ourMs)} ms)`;
}

function head(result: Result): string {
  const titles = titlesOf(result);
  return [row(titles), row(titles.map((title) => (textColumns.includes(title) ? '---' : '---:')))].join('\n');
}

/** The geometric mean over all training cases as a sentence, or null without peers. */
export function summary(results: readonly Result[]): string | null {
  const ratios = results.filter(({ kind }) => kind === 'train').flatMap(({ bestRatio }) => bestRatio ?? []);
  if (ratios.length === 0) return null;
  const mean = geometricMean(ratios).toFixed(2);
  const without = failuresOf(results).length > 0 ? ' A peer that failed does not count.' : '';
  return `Geometric mean over ${ratios.length} training cases: ${mean} times faster than the best peer.${without}`;
}

/**
 * What the bounds leave to reach, as a sentence: which cases are within 10 % of theirs, and with peers the geometric mean
 * over all training cases that the bounds would give. Null if there are none.
 */
export function boundSummary(results: readonly Result[]): string | null {
  const bounded = results.filter(({ bound }) => bound);
  if (bounded.length === 0) return null;
  const reached = bounded.flatMap(({ case: name, bound }) => (bound?.reached ? name : []));
  const ratios = bounded
    .filter(({ kind }) => kind === 'train')
    .flatMap(({ bestRatio, bound }) => (bestRatio && bound ? bestRatio / bound.share : []));
  const mean = ratios.length > 0 ? ` The bounds would give ${geometricMean(ratios).toFixed(2)} times.` : '';
  return `Within 10 % of the bound: ${reached.join(', ') || 'none'}.${mean}`;
}

/** A line for each peer that failed in a case, with the reason. */
function failuresOf(results: readonly Result[]): string[] {
  return results.flatMap(({ case: name, peers }) =>
    Object.entries(peers).flatMap(([peer, result]) =>
      isTime(result) ? [] : `${peer} failed in ${name}: ${result.failed}`,
    ),
  );
}

/** The README's section: the machine, the table and its summary. */
export function measuredSection(results: readonly (Result & { readonly machine: string })[]): string {
  const [first] = results;
  if (!first) throw new Error('bench: there are no results');
  const failures = failuresOf(results);
  const versions = Object.values(first.peers).map(({ version }) => version);
  const beside = versions.length > 0 ? `, beside ${enumerate(versions)} in the same run, alternating` : '';
  return [
    `${first.machine}${beside}; medians of ${first.rounds} rounds. ${peakLine(first.peakGflopsPerSecond)}`,
    [head(first), ...results.map((result) => row(cellsOf(result)))].join('\n'),
    ...(failures.length > 0 ? [failures.map((line) => `- ${line}`).join('\n')] : []),
    [summary(results), boundSummary(results)].filter((line) => line !== null).join(' '),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

/** The rate that `of peak` refers to. */
export function peakLine(peak: number): string {
  return `Peak: all threads multiplying float32 matrices reach ${digits(peak)} GFLOP/s.`;
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

/** Formats a number with three digits, without an exponent. */
export function digits(value: number): string {
  return value >= 1000 ? count(value) : value.toPrecision(3);
}

/** Formats a number as a whole one, with separators. */
export function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}
