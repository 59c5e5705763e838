import type { MachineLimits } from '../limits/machine-limits.js';
import { timeLimit, type Work } from '../limits/time-limit.js';
import { sum } from '../statistics.js';
import type { KernelCase } from './kernel-case.js';
import { compileCase } from './prepare-kernel.js';

/** Milliseconds in which every thread runs a kernel once, each on operands of its own. */
export interface Times {
  readonly ours: number;
  readonly blas?: number;
  /** Of as many runs of the peer, one after another on all threads together. */
  readonly peer?: number;
}

/** One line of the result. Times are milliseconds in which every thread runs the kernel once. */
export interface KernelResult {
  readonly family: string;
  /** Its name within the family. */
  readonly kernel: string;
  readonly threads: number;
  readonly ms: number;
  /** Of the operations of its products by their definition; 0 without any. Methods that save some can exceed the peak. */
  readonly gflopsPerSecond: number;
  /** Of the operands, each moved once. */
  readonly gigabytesPerSecond: number;
  /** Time that the machine needs at least, for the operations of the definition and the bytes of the operands. */
  readonly limitMs: number;
  readonly blasMs?: number;
  readonly peerMs?: number;
  /** Name and version of the peer. */
  readonly peer?: string;
  /** `limitMs / ms`. */
  readonly ofLimit: number;
  /** The quicker time of BLAS and peer over ours; absent without both. */
  readonly ofBest?: number;
  /** What is lost of `ms` beside the best of the limit, BLAS and peer. */
  readonly lostMs: number;
}

/** The result of a kernel from its times. */
export function resultOf(kernel: KernelCase, limits: MachineLimits, times: Times, peer = ''): KernelResult {
  const work = workOf(kernel);
  const { ours: ms, blas, peer: peerMs } = times;
  const limitMs = timeLimit(work, limits);
  const rate = (amount: number) => (limits.threads * amount) / ms / 1e6;
  const others = [blas, peerMs].filter((time) => time !== undefined);
  return {
    family: kernel.family,
    kernel: kernel.name,
    threads: limits.threads,
    ms,
    gflopsPerSecond: rate(work.flops),
    gigabytesPerSecond: rate(work.readBytes + work.writtenBytes),
    limitMs,
    ...(blas === undefined ? {} : { blasMs: blas }),
    ...(peerMs === undefined ? {} : { peerMs, peer }),
    ofLimit: limitMs / ms,
    ...(others.length > 0 ? { ofBest: Math.min(...others) / ms } : {}),
    lostMs: lostOf(ms, [limitMs, ...others]),
  };
}

/** `ms * (1 - share)`, with the share of the best that others take or need. */
export function lostOf(ms: number, others: readonly number[]): number {
  const share = Math.min(...others) / ms;
  return ms * Math.max(0, 1 - share);
}

/** Results by what is lost, the most first. */
export function sortByLoss(results: readonly KernelResult[]): KernelResult[] {
  return [...results].sort((a, b) => b.lostMs - a.lostMs);
}

/** The work that a kernel cannot avoid. */
export function workOf(kernel: KernelCase): Work {
  const { flops, bytes } = kernel;
  if (bytes) return { flops, readBytes: bytes.read, writtenBytes: bytes.written };
  const { compiled, assigned } = compileCase(kernel);
  const { bindings } = compiled.plan;
  const bytesOf = (...kinds: string[]) =>
    sum(bindings.filter(({ kind }) => kinds.includes(kind)).map((binding) => binding.bytes));
  return {
    flops,
    readBytes: bytesOf('input', 'variable', 'constant'),
    writtenBytes: bytesOf('output') + sum(assigned.map((variable) => variable.storage.data.byteLength)),
  };
}
