import { signatureOf } from '../graph/arguments/checked.js';
import { either, type Kind, requireKind } from '../graph/arguments/kind.js';
import * as kinds from '../graph/arguments/kinds.js';
import { type ChainruleError, invalid } from '../graph/errors.js';

/** The learning rate at a step; the first step is 0. */
export type Schedule = (step: number) => number;

const functions = kinds.callback();

/** A schedule that is a function of the step. */
export const schedule: Kind<Schedule> = {
  ...kinds.callback('a function of the step'),
  accepts: (value) => functions.accepts(value) && !isMaker(value),
  explain: explainMaker,
};

/** A learning rate: a number, or a schedule. */
export const rate: Kind<number | Schedule> = {
  ...either(kinds.nonNegative, schedule),
  explain: explainMaker,
};

/** State of a schedule: plain values that a checkpoint can hold. */
export type ScheduleState =
  | null
  | boolean
  | number
  | string
  | readonly ScheduleState[]
  | { readonly [name: string]: ScheduleState };

/** A schedule that also follows a figure, such as the validation loss, reported after each epoch. */
export interface ReportedSchedule {
  (step: number): number;
  report(figure: number): void;
  /** State derived from the reported figures, for a checkpoint. */
  state?(): ScheduleState;
  /** Resumes from a result of `state`, in this process or another. Throws if it is of another kind of schedule. */
  restore?(state: ScheduleState): void;
}

/** A schedule from a number or a function of the step. */
export function toSchedule(lr: number | Schedule): Schedule {
  return typeof lr === 'function' ? lr : described(() => lr, 'constantLR', { lr });
}

/**
 * The rate that a schedule gives at a step.
 *
 * @throws in the name of `op` if that is not a non-negative number, with the step
 */
export function rateAt(op: string, { schedule, step }: { schedule: Schedule; step: number }): number {
  const given: unknown = schedule(step);
  if (kinds.nonNegative.accepts(given)) return given as number;
  throw invalid(op, `the schedule must give ${kinds.nonNegative.description} at step ${step}`, given);
}

/**
 * A schedule of this package, which is defined at steps from 0 on. Further arguments are left to `map` and the like.
 *
 * @param settings all that the formula depends on, with defaults, for checkpoints to compare
 */
export function scheduleOf(
  op: string,
  settings: ScheduleSettings,
  formula: (step: number) => number,
): Schedule {
  const schedule = (step: number) => {
    if (kinds.nonNegative.accepts(step)) return formula(step);
    throw invalid(op, `the step must be ${kinds.nonNegative.description}`, step);
  };
  return described(schedule, op, settings);
}

/** Settings of a schedule of this package; those of a combinator hold other schedules. */
export type ScheduleSettings = Readonly<
  Record<string, number | string | boolean | readonly number[] | Schedule | readonly Schedule[]>
>;

/** What made a schedule, and from what. */
export interface MadeSchedule {
  readonly op: string;
  readonly settings: ScheduleSettings;
}

const made = new WeakMap<Schedule, MadeSchedule>();

function described<S extends Schedule>(schedule: S, op: string, settings: ScheduleSettings): S {
  made.set(schedule, { op, settings });
  return schedule;
}

/** What made a schedule of this package; undefined for a function of the caller's own. */
export function makerOf(schedule: Schedule): MadeSchedule | undefined {
  return made.get(schedule);
}

/** The schedules that a combinator is made of; none for any other. */
function partsOf(schedule: Schedule): Schedule[] {
  return Object.values(makerOf(schedule)?.settings ?? {})
    .flat()
    .filter((part) => typeof part === 'function');
}

/** True for a schedule that follows reported figures. A combinator takes reports for its parts, of which none may do so. */
export function takesReports(schedule: Schedule): boolean {
  const parts = partsOf(schedule);
  if (parts.length > 0) return parts.some(takesReports);
  return 'report' in schedule && typeof schedule.report === 'function';
}

/** Reports a figure to a schedule, if it takes reports. */
export function reportTo(schedule: Schedule, figure: number): void {
  if ('report' in schedule && typeof schedule.report === 'function') schedule.report(figure);
}

/** State of a schedule; null for one without state. */
export function stateOf(schedule: Schedule): ScheduleState {
  return 'state' in schedule && typeof schedule.state === 'function' ? schedule.state() : null;
}

/** A state as errors show it: most come from the JSON of a checkpoint. */
function shown(state: unknown): unknown {
  try {
    return JSON.stringify(state);
  } catch {
    return state;
  }
}

/** Restores the state of a schedule. */
export function restoreTo(schedule: Schedule, state: ScheduleState): void {
  const takes = 'restore' in schedule && typeof schedule.restore === 'function';
  if (takes !== (state !== null)) {
    const expected = takes ? 'a schedule needs the state that it had' : 'a schedule takes no state';
    throw invalid('schedule', expected, shown(state));
  }
  if (takes) (schedule as ReportedSchedule).restore?.(state);
}

/** States of several schedules, one for each distinct schedule. */
export function statesOf(schedules: Iterable<Schedule>): ScheduleState[] {
  return [...new Set(schedules)].map(stateOf);
}

/** Restores the states returned by `statesOf`. */
export function restoreAll(schedules: Iterable<Schedule>, states: ScheduleState): void {
  const distinct = [...new Set(schedules)];
  if (!Array.isArray(states) || states.length !== distinct.length) {
    throw invalid('schedule', `needs the states of ${distinct.length} schedules`, shown(states));
  }
  distinct.forEach((schedule, i) => {
    restoreTo(schedule, states[i] as ScheduleState);
  });
}

/** Makes a schedule composed of others, which passes on reports and holds their states. */
export function combined(
  op: string,
  settings: ScheduleSettings,
  formula: Schedule,
  parts: readonly Schedule[],
): ReportedSchedule {
  const schedule = described((step: number) => formula(step), op, settings);
  return Object.assign(schedule, {
    report(figure: number) {
      requireKind(op, 'a reported figure', kinds.number, figure);
      for (const part of new Set(parts)) reportTo(part, figure);
    },
    state: () => statesOf(parts),
    restore: (state: ScheduleState) => restoreAll(parts, state),
  });
}

/** True for a public function, such as one that makes schedules: none is a schedule itself. */
function isMaker(value: unknown): value is () => unknown {
  return typeof value === 'function' && signatureOf(value) !== undefined;
}

function explainMaker(op: string, name: string, value: unknown): ChainruleError | undefined {
  if (!isMaker(value)) return undefined;
  return invalid(op, `${name} must be a schedule, which ${value.name}(...) makes`, value);
}
