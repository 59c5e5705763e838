import type { PeerOp } from './kernel-case.js';

/** Another library that runs single ops. */
export interface KernelPeer {
  readonly name: string;
  /** Name and version, such as `PyTorch 2.13.0`. */
  readonly version: string;
  /** Prepares an op and picks the fastest of its layouts. Rounds are then of this op. */
  prepare(op: PeerOp): Promise<void>;
  /** Runs one round and returns the milliseconds of a run. */
  round(): Promise<number>;
  stop(): void;
}

/** Starts a peer on `threads` threads; null, with a remark, if it is not installed. */
export type StartKernelPeer = (threads: number, remark: (line: string) => void) => Promise<KernelPeer | null>;
