/** Phase of a training step in a worker. */
export type Phase = 'load' | 'gradients' | 'wait' | 'sum' | 'update';

/** A time span, in milliseconds since the profile began. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Time span that a worker spent in one phase of a training step. */
export interface PhaseSpan extends Span {
  readonly phase: Phase;
  /** From 0. */
  readonly step: number;
}

/** One execution of a plan, with the time of each of its steps (see `clockedSteps`). */
export interface PlanRun extends Span {
  /** Index of the plan in `plansOf(training)`. */
  readonly plan: number;
  readonly step: number;
  readonly milliseconds: Float64Array;
}

/** Activity of a worker, phase by phase without gaps. */
export interface Timeline {
  readonly phases: readonly PhaseSpan[];
  readonly runs: readonly PlanRun[];
}

/** A clock that all threads of the process share, in milliseconds. */
export function now(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e3 + nanoseconds / 1e6;
}
