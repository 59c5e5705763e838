/** Request to a measuring process about one model. */
export interface Request {
  readonly scenario: string;
  readonly workers: number;
  /** The budget in bytes; none by default. */
  readonly memory?: number;
  /** Rounds of steps to time in turn with those of a trainer without a budget; 0 for none. */
  readonly rounds: number;
}

/** The planner's forecast before anything runs, in bytes and operations. */
export interface Planned {
  /** Total. */
  readonly bytes: number;
  /** The arena of one worker. */
  readonly arena: number;
  /** The part of the arena that the forward pass keeps for the backward pass. */
  readonly kept: number;
  readonly flops: number;
  readonly recomputedFlops: number;
  /** The smallest feasible budget. */
  readonly smallest: number;
  /** Milliseconds of planning in a process that had planned nothing before. */
  readonly milliseconds: number;
}

/** Times of a trainer with a budget, in turn with one without. */
export interface Timed {
  /** Milliseconds of a step: the median over the rounds. */
  readonly milliseconds: number;
  /** Ratio to the time without a budget: the median over the pairs of rounds. */
  readonly ratio: number;
  /** True if both gave the same losses, to the bit. */
  readonly sameLosses: boolean;
}

/** A training that took place. */
export interface Trained {
  readonly planned: Planned;
  /** Growth of the process's resident memory at its peak, in bytes. */
  readonly grown: number;
  readonly time?: Timed;
}

/** A training that was refused. */
export interface Refused {
  readonly message: string;
  /** Milliseconds from the call of `fit`. */
  readonly milliseconds: number;
  /** Number of threads started by then. */
  readonly threads: number;
  /** Growth of the resident memory, in bytes. */
  readonly grown: number;
}

/** Either a training or a refusal. */
export interface Answer {
  readonly trained?: Trained;
  readonly refused?: Refused;
}
