import type { Plan } from '../../compile/plan/plan.js';
import type { TypedArray } from '../../graph/dtype.js';
import { clockedSteps, type Executable, type RandomState } from '../../runtime/executable.js';
import type { TrainingJob } from '../protocol/job.js';
import {
  now,
  type Phase,
  type PhaseSpan,
  type PlanRun,
  plansOf,
  type Timeline,
} from '../protocol/timeline.js';

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
