import { percent } from '../../text/percent.js';
import type { MachineLimits } from '../limits/machine-limits.js';
import { digits, UNKNOWN } from '../table.js';
import type { KernelResult } from './result.js';

/** The titles of columns of text. */
export const kernelTextColumns: readonly string[] = ['family', 'kernel'];

/** The titles of the columns. */
export function kernelTitles(peer: string | undefined): string[] {
  return [
    ...kernelTextColumns,
    'threads',
    'us',
    'GFLOP/s',
    'GB/s',
    'of limit',
    'lost, us',
    'BLAS, us',
    ...(peer ? [`${peer}, us`] : []),
    'times faster than the best',
  ];
}

/** The cells of the row of one result. */
export function kernelCells(result: KernelResult, peer: string | undefined): string[] {
  const { family, kernel, threads, ms, gflopsPerSecond, gigabytesPerSecond } = result;
  const { ofLimit, lostMs, blasMs, peerMs, ofBest } = result;
  return [
    family,
    kernel,
    String(threads),
    microseconds(ms),
    gflopsPerSecond > 0 ? digits(gflopsPerSecond) : UNKNOWN,
    digits(gigabytesPerSecond),
    percent(ofLimit),
    microseconds(lostMs),
    microseconds(blasMs),
    ...(peer ? [microseconds(peerMs)] : []),
    ofBest?.toFixed(2) ?? UNKNOWN,
  ];
}

function microseconds(milliseconds: number | undefined): string {
  return milliseconds === undefined ? UNKNOWN : digits(1000 * milliseconds);
}

/** The limits of a machine in one line: the rates within each level of its memory. */
export function limitsLine({ threads, gflopsPerSecond, bandwidths }: MachineLimits): string {
  const rates = bandwidths.map(({ bytes, read, copy }) => `${size(bytes)} ${digits(read)}/${digits(copy)}`);
  const by = threads === 1 ? '1 thread' : `${threads} threads`;
  return `Limits of ${by}: ${digits(gflopsPerSecond)} GFLOP/s; GB/s of reads/copies by size: ${rates.join(', ')}`;
}

function size(bytes: number): string {
  return bytes < 2 ** 20 ? `${bytes / 2 ** 10} KB` : `${bytes / 2 ** 20} MB`;
}
