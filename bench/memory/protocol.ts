/** What a process of its own is asked to do with one model. */
export interface Request {
  readonly scenario: string;
  readonly workers: number;
  /** The budget in bytes; none by default. */
  readonly memory?: number;
  /** Rounds of steps that are timed in turn with as many of a trainer without a budget; 0 for none. */
  readonly rounds: number;
}

/** What the planner says before anything runs, in bytes and operations. */
export interface Planned {
  /** In all. */
  readonly bytes: number;
  /** The arena of one worker. */
  readonly arena: number;
  /** The part of it that the forward pass keeps for the backward pass. */
  readonly kept: number;
  readonly flops: number;
  readonly recomputedFlops: number;
  /** The smallest budget that could be met. */
  readonly smallest: number;
  /** Milliseconds that planning took in a process that had planned nothing before. */
  readonly milliseconds: number;
}

/** Steps of a trainer with a budget, in turn with those of one without. */
export interface Timed {
  /** Of a step; the median over the rounds. */
  readonly milliseconds: number;
  /** How many times longer it takes than without a budget; the median over the pairs of rounds. */
  readonly ratio: number;
  /** Whether both gave the same losses, to the bit. */
  readonly sameLosses: boolean;
}

/** A training that took place. */
export interface Trained {
  readonly planned: Planned;
  /** How much the resident memory of the process grew, at its peak. */
  readonly grown: number;
  readonly time?: Timed;
}

/** A training that was refused. */
export interface Refused {
  readonly message: string;
  /** Milliseconds from the call of `fit`. */
  readonly milliseconds: number;
  /** Threads that had been started by then. */
  readonly threads: number;
  /** How much resident memory grew. */
  readonly grown: number;
}

/** One of the two. */
export interface Answer {
  readonly trained?: Trained;
  readonly refused?: Refused;
}
