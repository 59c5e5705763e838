import { checked } from '../graph/arguments/checked.js';
import { optional } from '../graph/arguments/kind.js';
import { type TableOptions, tableOptions } from '../health/table-options.js';
import { percent } from '../text/percent.js';
import { table } from '../text/table.js';
import { profile as profileKind } from './kinds.js';
import type { Profile, Work } from './report.js';

/** Maximum number of rows in the table of ops or layers. */
const ROWS = 25;

/**
 * Formats a profile as tables of text: time by phase, by op and by layer, and the slowest single steps.
 *
 * @param options `columns`, the width of the tables
 */
export const formatProfile = checked(
  'formatProfile',
  { profile: profileKind, options: optional(tableOptions) },
  (profile: Profile, { columns }: TableOptions = {}): string => {
    const { workers, steps, batchSize, milliseconds, examplesPerSecond } = profile;
    const [operations, bytes] = [profile.peakGflopsPerSecond, profile.peakGigabytesPerSecond];
    const parts = Object.entries(profile.parts).map(([name, time]) => [
      name,
      ms(time),
      percent(time / milliseconds),
    ]);
    const head = [
      `${ms(milliseconds)} ms a step (${Math.round(examplesPerSecond)} examples/s): `,
      `${steps} steps of ${batchSize} samples, `,
      `${workers} ${workers === 1 ? 'worker' : 'workers'}; figures are means of one worker in one step.\n`,
      `Peak of all workers together: ${operations.toPrecision(3)} GFLOP/s in products of large matrices, `,
      `${bytes.toPrecision(3)} GB/s in sums of vectors in main memory.`,
    ].join('');
    return [
      head,
      table(['part', 'ms', 'share'], parts, columns),
      table(
        ['op', ...WORK],
        profile.ops.slice(0, ROWS).map(({ op, ...work }) => [op, ...figures(work)]),
        columns,
      ),
      table(
        ['layer', 'forward', 'backward', ...WORK],
        profile.layers
          .slice(0, ROWS)
          .map(({ layer, forwardMilliseconds, backwardMilliseconds, ...work }) => [
            layer,
            ms(forwardMilliseconds),
            ms(backwardMilliseconds),
            ...figures(work),
          ]),
        columns,
      ),
      table(
        ['slowest steps', 'layer', 'part', 'fastest', ...WORK, 'shapes'],
        profile.slowest.map(({ op, layer, part, shapes, fastestMilliseconds, ...work }) => [
          op,
          layer,
          part,
          ms(fastestMilliseconds),
          ...figures(work),
          shapes,
        ]),
        columns,
      ),
    ].join('\n\n');
  },
);

const WORK = ['ms', 'share', 'calls', 'MB', 'GFLOP/s', 'GB/s', 'of peak'];

function figures({
  milliseconds,
  share,
  calls,
  bytes,
  gflopsPerSecond,
  gigabytesPerSecond,
  ofPeak,
}: Work): string[] {
  return [
    ms(milliseconds),
    percent(share),
    Number(calls.toFixed(1)).toString(),
    brief(bytes / 1e6),
    brief(gflopsPerSecond),
    brief(gigabytesPerSecond),
    percent(ofPeak),
  ];
}

function ms(value: number): string {
  return value.toFixed(3);
}

function brief(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toFixed(2);
}
