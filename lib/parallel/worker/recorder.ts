import type { Plan } from '../../compile/plan/plan.js';
import type { TypedArray } from '../../graph/dtype.js';
import { clockedSteps, type Executable, type RandomState } from '../../runtime/executable.js';
import type { TrainingJob } from '../protocol/job.js';

/** What a worker does at a time of a training step. */
export type Phase = 'load' | 'gradients' | 'wait' | 'sum' | 'update';

/** A stretch of time, in milliseconds since the profile began. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** A stretch of a worker's time that belongs to one phase of a training step. */
export interface PhaseSpan extends Span {
  readonly phase: Phase;
  /** From 0. */
  readonly step: number;
}

/** A run of a plan, with the time of each of its steps (see `clockedSteps`). */
export interface PlanRun extends Span {
  /** The plan's place in `plansOf` the job. */
  readonly plan: number;
  readonly step: number;
  readonly milliseconds: Float64Array;
}

/** All that a worker did, phase by phase without a gap. */
export interface Timeline {
  readonly phases: readonly PhaseSpan[];
  readonly runs: readonly PlanRun[];
}

/** The plans that workers run in training: those of the gradients, then those of the updates. */
export function plansOf({ plans, updates }: TrainingJob): Plan[] {
  const shares = updates.flatMap((share) => (share ? [share.squares, share.update, share.direct] : []));
  return [...plans.values(), ...shares].flatMap((bound) => (bound ? [bound.plan] : []));
}

/** A clock that all threads of the process share, in milliseconds. */
export function now(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e3 + nanoseconds / 1e6;
}

/** Writes down what one worker does while it trains. */
export class Recorder {
  readonly #phases: PhaseSpan[] = [];
  readonly #runs: PlanRun[] = [];
  /** The place of each plan in `plansOf` the job, and how many clocks it has. */
  readonly #plans: ReadonlyMap<Plan, { readonly index: number; readonly clocks: number }>;
  /** What the thread's own clock, which is cheap to read, shows at the origin. */
  readonly #origin: number;
  #last: number;
  #step = 0;

  /** @param origin when times count from, by `now` */
  constructor(training: TrainingJob, origin: number) {
    this.#plans = new Map(
      plansOf(training).map((plan, index) => [plan, { index, clocks: clockedSteps(plan).length }]),
    );
    this.#origin = performance.now() - (now() - origin);
    this.#last = this.#now();
  }

  /** Whatever comes next belongs to this step. */
  begin(step: number): void {
    this.#step = step;
    this.#last = this.#now();
  }

  /** Ends a phase: it lasted since the end of the one before. */
  end(phase: Phase): void {
    const end = this.#now();
    this.#phases.push({ phase, step: this.#step, start: this.#last, end });
    this.#last = end;
  }

  /** Runs a plan with a clock for each of its steps. */
  run(plan: Plan, executable: Executable, bindings: readonly TypedArray[], random: RandomState): void {
    const known = this.#plans.get(plan);
    if (!known) throw new RangeError('the plan is not one of the job');
    const milliseconds = new Float64Array(known.clocks);
    const start = this.#now();
    executable.runTimed(bindings, random, milliseconds);
    const end = this.#now();
    this.#runs.push({ plan: known.index, step: this.#step, start, end, milliseconds });
  }

  timeline(): Timeline {
    return { phases: this.#phases, runs: this.#runs };
  }

  #now(): number {
    return performance.now() - this.#origin;
  }
}
