import { invalid } from '../graph/errors.js';

/** The learning rate at a step; the first step is 0. */
export type Schedule = (step: number) => number;

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
export function toSchedule(op: string, lr: number | Schedule | undefined): Schedule {
  if (typeof lr === 'function') return lr;
  const rate = requireRate(op, lr);
  return () => rate;
}

/** Checks a constant learning rate. */
export function requireRate(op: string, lr: number | undefined, name = 'lr'): number {
  if (typeof lr === 'number' && Number.isFinite(lr) && lr >= 0) return lr;
  throw invalid(op, `${name} must be a non-negative number${name === 'lr' ? ' or a function' : ''}`, lr);
}

/** Reports a figure to a schedule, if it takes reports. */
export function reportTo(schedule: Schedule, figure: number): void {
  if ('report' in schedule && typeof schedule.report === 'function') schedule.report(figure);
}

/** State of a schedule; null for one without state. */
export function stateOf(schedule: Schedule): ScheduleState {
  return 'state' in schedule && typeof schedule.state === 'function' ? schedule.state() : null;
}

/** Restores the state of a schedule. */
export function restoreTo(schedule: Schedule, state: ScheduleState): void {
  const takes = 'restore' in schedule && typeof schedule.restore === 'function';
  if (takes !== (state !== null)) {
    const expected = takes ? 'a schedule needs the state that it had' : 'a schedule takes no state';
    throw invalid('schedule', expected, JSON.stringify(state));
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
    throw invalid('schedule', `needs the states of ${distinct.length} schedules`, JSON.stringify(states));
  }
  distinct.forEach((schedule, i) => {
    restoreTo(schedule, states[i] as ScheduleState);
  });
}

/** Makes a schedule composed of others pass on reports and hold their states. */
export function combined(schedule: Schedule, parts: readonly Schedule[]): ReportedSchedule {
  return Object.assign((step: number) => schedule(step), {
    report(figure: number) {
      for (const part of new Set(parts)) reportTo(part, figure);
    },
    state: () => statesOf(parts),
    restore: (state: ScheduleState) => restoreAll(parts, state),
  });
}
