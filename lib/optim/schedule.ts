import { invalid } from '../graph/errors.js';

/** The learning rate at a step; the first step is 0. */
export type Schedule = (step: number) => number;

/** What a schedule remembers: plain values, as a checkpoint can hold them. */
export type ScheduleState =
  | null
  | boolean
  | number
  | string
  | readonly ScheduleState[]
  | { readonly [name: string]: ScheduleState };

/** A schedule that also follows a figure, such as the validation loss, which it is told after each epoch. */
export interface ReportedSchedule {
  (step: number): number;
  report(figure: number): void;
  /** What it remembers of the figures, for a checkpoint. */
  state?(): ScheduleState;
  /** Goes on from what `state` gave, in this process or another. Throws when that is of another kind of schedule. */
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

/** Tells a schedule what the figure was, if it wants to know. */
export function reportTo(schedule: Schedule, figure: number): void {
  if ('report' in schedule && typeof schedule.report === 'function') schedule.report(figure);
}

/** What a schedule remembers; null for one that remembers nothing. */
export function stateOf(schedule: Schedule): ScheduleState {
  return 'state' in schedule && typeof schedule.state === 'function' ? schedule.state() : null;
}

/** Gives a schedule back what it remembered. */
export function restoreTo(schedule: Schedule, state: ScheduleState): void {
  const takes = 'restore' in schedule && typeof schedule.restore === 'function';
  if (takes !== (state !== null)) {
    const expected = takes ? 'a schedule needs the state that it had' : 'a schedule takes no state';
    throw invalid('schedule', expected, JSON.stringify(state));
  }
  if (takes) (schedule as ReportedSchedule).restore?.(state);
}

/** What several schedules remember, each of them once. */
export function statesOf(schedules: Iterable<Schedule>): ScheduleState[] {
  return [...new Set(schedules)].map(stateOf);
}

/** Gives several schedules back what `statesOf` gave. */
export function restoreAll(schedules: Iterable<Schedule>, states: ScheduleState): void {
  const distinct = [...new Set(schedules)];
  if (!Array.isArray(states) || states.length !== distinct.length) {
    throw invalid('schedule', `needs the states of ${distinct.length} schedules`, JSON.stringify(states));
  }
  distinct.forEach((schedule, i) => {
    restoreTo(schedule, states[i] as ScheduleState);
  });
}

/** Lets a schedule that is made from others hand on what is reported, and keep what they remember. */
export function combined(schedule: Schedule, parts: readonly Schedule[]): ReportedSchedule {
  return Object.assign((step: number) => schedule(step), {
    report(figure: number) {
      for (const part of new Set(parts)) reportTo(part, figure);
    },
    state: () => statesOf(parts),
    restore: (state: ScheduleState) => restoreAll(parts, state),
  });
}
