import { at } from '../graph/at.js';
import { messageOf } from '../graph/errors.js';
import type { Peer } from './peer.js';
import type { Scenario } from './scenario.js';
import { median } from './statistics.js';

/** A peer's part of a result. */
export type PeerResult = PeerTime | PeerFailure;

/** The time of a peer that ran every round. */
export interface PeerTime {
  /** Name and version, such as `PyTorch 2.13.0`. */
  readonly version: string;
  /** The fastest of its ways to run the model. */
  readonly variant: string;
  readonly medianMs: number;
  /** Ratio of its time to ours: the median over the pairs of neighbouring rounds. */
  readonly ratio: number;
  /** The comparison with as many threads of ours as the peer has, if these are fewer than ours. */
  readonly equalThreads?: EqualThreads;
}

export interface EqualThreads {
  readonly threads: number;
  /** Our median time with so many threads. */
  readonly ourMs: number;
  readonly ratio: number;
}

/** What stands for the time of a peer that failed. */
export interface PeerFailure {
  readonly version: string;
  /** The reason. */
  readonly failed: string;
}

/** What the rounds of a peer need to know of the case. */
export interface PeerCase {
  readonly scenario: Scenario;
  /** Number of parameters of our model. */
  readonly parameters: number;
  /** Takes remarks for the reader. */
  readonly remark: (line: string) => void;
}

/** The rounds of one peer in one case. A failure ends them, and nothing else: it is remarked and becomes the result. */
export class PeerRounds {
  readonly #peer: Peer;
  readonly #case: PeerCase;
  readonly #times: number[] = [];
  #variant = '';
  #failure: string | undefined;

  private constructor(peer: Peer, of: PeerCase) {
    this.#peer = peer;
    this.#case = of;
  }

  /** Lets the peer build and warm up the model of the case. */
  static async prepare(peer: Peer, of: PeerCase): Promise<PeerRounds> {
    const rounds = new PeerRounds(peer, of);
    await rounds.#attempt(async () => {
      const { parameters, variant, remarks } = await peer.prepare(of.scenario);
      for (const line of remarks) rounds.#remark(line);
      if (parameters !== of.parameters) {
        throw new Error(`its model has ${parameters} parameters, but ours ${of.parameters}`);
      }
      rounds.#variant = variant;
    });
    return rounds;
  }

  get name(): string {
    return this.#peer.name;
  }

  /** Threads that the peer has whatever was asked for; undefined also once it has failed. */
  get threads(): number | undefined {
    return this.#failure === undefined ? this.#peer.threads : undefined;
  }

  /** Runs a round, unless the peer has failed. */
  async round(): Promise<void> {
    if (this.#failure !== undefined) return;
    await this.#attempt(async () => {
      this.#times.push(await this.#peer.round());
    });
  }

  /**
   * The result, beside our times of the same rounds.
   *
   * @param equal those with as many threads as the peer has
   */
  resultBeside(ours: readonly number[], equal?: readonly number[]): PeerResult {
    const { version, threads } = this.#peer;
    if (this.#failure !== undefined) return { version, failed: this.#failure };
    const ratio = this.#ratioTo(ours);
    const time = { version, variant: this.#variant, medianMs: median(this.#times), ratio };
    if (!equal || threads === undefined) return time;
    return { ...time, equalThreads: { threads, ourMs: median(equal), ratio: this.#ratioTo(equal) } };
  }

  #ratioTo(ours: readonly number[]): number {
    return median(this.#times.map((time, i) => time / at(ours, i)));
  }

  async #attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#failure = messageOf(error);
      this.#remark(`failed: ${this.#failure}`);
    }
  }

  #remark(line: string): void {
    this.#case.remark(`${this.#case.scenario.name}, ${this.#peer.name}: ${line}`);
  }
}

/** True if a peer's result is a time. */
export function isTime(result: PeerResult): result is PeerTime {
  return !('failed' in result);
}
