import type { Scenario } from './scenario.js';

/** What a peer says of a scenario that it has built and warmed up. */
export interface Prepared {
  readonly parameters: number;
  /** Which of its ways to run the model is the fastest. */
  readonly variant: string;
  readonly remarks: readonly string[];
}

/** Another library that runs the scenarios, one round at a time. */
export interface Peer {
  readonly name: string;
  /** As `PyTorch 2.13.0`. */
  readonly version: string;
  /** Builds the scenario's model, compiles and warms up, and picks the fastest variant. Rounds are of this scenario. */
  prepare(scenario: Scenario): Promise<Prepared>;
  /** Runs one round and gives the milliseconds of a step. */
  round(): Promise<number>;
  stop(): void;
}

/** Starts the peers that are there, on so many threads, and remarks how to get the others. */
export type StartPeers = (threads: number, remark: (line: string) => void) => Promise<readonly Peer[]>;
