import { invalid } from '../graph/errors.js';

/** The learning rate at a step; the first step is 0. */
export type Schedule = (step: number) => number;

/** A schedule that also follows a figure, such as the validation loss, which it is told after each epoch. */
export interface ReportedSchedule {
  (step: number): number;
  report(figure: number): void;
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

/** Lets a schedule that is made from others hand on what is reported. */
export function combined(schedule: Schedule, parts: readonly Schedule[]): ReportedSchedule {
  return Object.assign((step: number) => schedule(step), {
    report(figure: number) {
      for (const part of new Set(parts)) reportTo(part, figure);
    },
  });
}
