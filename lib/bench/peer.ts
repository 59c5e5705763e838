import type { Scenario } from './scenario.js';

/** A peer's description of a scenario that it has built and warmed up. */
export interface Prepared {
  readonly parameters: number;
  /** The fastest of its ways to run the model. */
  readonly variant: string;
  readonly remarks: readonly string[];
}

/** Another library that runs the scenarios, one round at a time. */
export interface Peer {
  readonly name: string;
  /** Name and version, such as `PyTorch 2.13.0`. */
  readonly version: string;
  /** Threads that it has whatever was asked for, if so: it is compared with as many of ours as well. */
  readonly threads?: number | undefined;
  /**
   * Builds the scenario's model, compiles and warms up, and picks the fastest variant. Rounds are then of this
   * scenario.
   */
  prepare(scenario: Scenario): Promise<Prepared>;
  /** Runs one round and returns the milliseconds of a step. */
  round(): Promise<number>;
  stop(): void;
}

/** Starts the installed peers, each on `threads` threads, and remarks how to install the others. */
export type StartPeers = (threads: number, remark: (line: string) => void) => Promise<readonly Peer[]>;
