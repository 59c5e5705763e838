import type { Bandwidth, MachineLimits } from './machine-limits.js';

/** Work of one thread, of which all threads do as much at the same time. */
export interface Work {
  readonly flops: number;
  /** Bytes that must be read and written at least once. */
  readonly readBytes: number;
  readonly writtenBytes: number;
}

/**
 * The milliseconds that work takes at least: that of its operations at the machine's peak or that of its bytes at its
 * bandwidth, whichever is longer, since they may overlap.
 */
export function timeLimit({ flops, readBytes, writtenBytes }: Work, limits: MachineLimits): number {
  const { threads, gflopsPerSecond, bandwidths } = limits;
  const total = readBytes + writtenBytes;
  const { read, write, any } = ratesFrom(total, bandwidths);
  const perUnit = [flops / gflopsPerSecond, readBytes / read, writtenBytes / write, total / any];
  return (threads * Math.max(...perUnit)) / 1e6;
}

/** The best rates, in 10^9 bytes per second, of working sets of a size or more. */
export function ratesFrom(bytes: number, bandwidths: readonly Bandwidth[]) {
  // What lies between two sizes counts as the smaller one.
  const smaller = bandwidths.filter((bandwidth) => bandwidth.bytes <= bytes).at(-1) ?? bandwidths[0];
  const rates = bandwidths.filter((bandwidth) => bandwidth.bytes >= (smaller?.bytes ?? 0));
  const best = (of: (bandwidth: Bandwidth) => number) => Math.max(...rates.map(of));
  return {
    read: best(readRate),
    write: best(writeRate),
    any: best(({ read, write, copy, add }) => Math.max(read, write, copy, add)),
  };
}

const readRate = ({ read, copy, add }: Bandwidth) => Math.max(read, copy / 2, (2 * add) / 3);
const writeRate = ({ write, copy, add }: Bandwidth) => Math.max(write, copy / 2, add / 3);
