import { formatBytes } from '../../../lib/runtime/memory-size.js';
import { wrap } from '../../../lib/text/columns.js';
import type { SoakRun } from './run.js';
import type { SoakSample } from './sizes.js';

/** Columns of a page's lines. */
const COLUMNS = 120;

/** Rounds in which caches fill up to their limits, as a share of all rounds. */
const FILLING = 0.4;

/** The largest memory of the rounds that follow, in their first and in their second half, in bytes. */
export interface Flatness {
  readonly before: number;
  readonly after: number;
}

/** Compares the two halves of the rounds in which memory should be flat. */
export function flatnessOf(samples: readonly SoakSample[]): Flatness {
  const flat = samples.slice(Math.floor(FILLING * samples.length));
  const half = Math.floor(flat.length / 2);
  const most = (some: readonly SoakSample[]) => Math.max(...some.map(({ anonymousBytes }) => anonymousBytes));
  return { before: most(flat.slice(0, half)), after: most(flat.slice(half)) };
}

/** True if memory has stayed flat, and threads and handles are at the end as they were at the start. */
export function isSteady({ samples, released }: Pick<SoakRun, 'samples' | 'released'>): boolean {
  const { before, after } = flatnessOf(samples);
  const first = samples[0];
  return after < 1.1 * before && released.threads === first?.threads && released.handles === first.handles;
}

/** What a soak has shown, for docs/memory.md. */
export function soakSummary(run: SoakRun): string {
  const { samples, released, sizes, shapes, cgroup } = run;
  const { before, after } = flatnessOf(samples);
  const [first, last] = [samples[0], samples.at(-1)];
  const where = cgroup
    ? `in a cgroup of ${formatBytes(cgroup.bytes)} (version ${cgroup.version})`
    : 'without a cgroup, which the system did not let us make';
  const peak = cgroup?.peakBytes ? ` The cgroup has held ${formatBytes(cgroup.peakBytes)} at most.` : '';
  const text = [
    `${sizes.predictions} predictions of ${shapes} shapes, ${sizes.swaps} swaps of weights and ${sizes.fits} fits of two`,
    `trainers, in ${Math.round((last?.seconds ?? 0) / 60)} minutes, ${where}.${peak}`,
    `Memory without pages of files was ${formatBytes(first?.anonymousBytes ?? 0)} at the start. Once the caches were full,`,
    `it was ${formatBytes(before)} at most in the first half of the remaining rounds and ${formatBytes(after)} in the second,`,
    `and ${formatBytes(released.anonymousBytes)} after \`release()\`. There were ${first?.threads} threads and`,
    `${first?.handles} file handles at the start, and ${released.threads} and ${released.handles} at the end.`,
    ...(isSteady(run) ? [] : ['THIS IS NOT STEADY.']),
  ].join(' ');
  return wrap(text, COLUMNS);
}
