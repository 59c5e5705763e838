import type { Plan } from '../../compile/plan/plan.js';
import type { TypedArray } from '../../graph/dtype.js';
import type { MarkArguments } from '../../runtime/addon.js';
import { clockedSteps, type Executable, type RandomState } from '../../runtime/executable.js';
import type { TrainingJob } from '../protocol/job.js';
import { plansOf } from '../protocol/job.js';
import { now, type Phase, type PhaseSpan, type PlanRun, type Timeline } from '../protocol/timeline.js';

/** Records the timeline of one worker during training. */
export class Recorder {
  readonly #phases: PhaseSpan[] = [];
  readonly #runs: PlanRun[] = [];
  /** Index of each plan in `plansOf(job)`, and its number of clocks. */
  readonly #plans: ReadonlyMap<Plan, { readonly index: number; readonly clocks: number }>;
  /** The origin on the thread's own clock, which is cheaper to read. */
  readonly #origin: number;
  #last: number;
  #step = 0;

  /** @param origin start of the recording, by `now` */
  constructor(training: TrainingJob, origin: number) {
    this.#plans = new Map(
      plansOf(training).map((plan, index) => [plan, { index, clocks: clockedSteps(plan).length }]),
    );
    this.#origin = performance.now() - (now() - origin);
    this.#last = this.#now();
  }

  /** Begins a step, which everything up to the next call belongs to. */
  begin(step: number): void {
    this.#step = step;
    this.#last = this.#now();
  }

  /** Ends a phase that began when the previous one ended. */
  end(phase: Phase): void {
    const end = this.#now();
    this.#phases.push({ phase, step: this.#step, start: this.#last, end });
    this.#last = end;
  }

  /** Runs a plan with a clock for each of its steps; the mark is set on completion. */
  run(
    plan: Plan,
    executable: Executable,
    bindings: readonly TypedArray[],
    random: RandomState,
    mark: MarkArguments,
  ): void {
    const known = this.#known(plan);
    const milliseconds = new Float64Array(known.clocks);
    const start = this.#now();
    executable.runTimed(bindings, random, milliseconds, ...mark);
    const end = this.#now();
    this.#runs.push({ plan: known.index, step: this.#step, start, end, milliseconds });
  }

  /**
   * Runs plans that take turns, with a clock for each of their steps. In the timeline one comes after the other.
   *
   * @param run runs them with these clocks, those of one plan after those of the one before
   */
  runShards(plans: readonly Plan[], run: (milliseconds: Float64Array) => void): void {
    const known = plans.map((plan) => this.#known(plan));
    const clocks = known.map((one) => one.clocks);
    const all = new Float64Array(clocks.reduce((sum, count) => sum + count, 0));
    let start = this.#now();
    run(all);
    let first = 0;
    known.forEach((one, i) => {
      const milliseconds = all.slice(first, first + (clocks[i] as number));
      const end = start + milliseconds.reduce((sum, time) => sum + time, 0);
      this.#runs.push({ plan: one.index, step: this.#step, start, end, milliseconds });
      start = end;
      first += milliseconds.length;
    });
  }

  timeline(): Timeline {
    return { phases: this.#phases, runs: this.#runs };
  }

  #known(plan: Plan): { readonly index: number; readonly clocks: number } {
    const known = this.#plans.get(plan);
    if (!known) throw new RangeError('the plan is not one of the job');
    return known;
  }

  #now(): number {
    return performance.now() - this.#origin;
  }
}
