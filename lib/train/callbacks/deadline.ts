import { checked } from '../../graph/arguments/checked.js';
import { either } from '../../graph/arguments/kind.js';
import * as kinds from '../../graph/arguments/kinds.js';
import type { Callback, FitView } from './callback.js';

/** Longest delay of a timer. */
const LONGEST = 2 ** 31 - 1;

/**
 * Ends training at a time, after the step under way: a number of seconds from the start of `fit`, or a date. The weights
 * are those of the last whole step. This is the only callback by which two equal runs may stop at different steps.
 */
export const deadline = checked(
  'deadline',
  { at: either(kinds.positive, kinds.date) },
  (at: number | Date): Callback => {
    let timer: NodeJS.Timeout | undefined;
    const wait = (fit: FitView, end: number) => {
      const left = end - Date.now();
      if (left <= 0) fit.stopNow(`the deadline, ${new Date(end).toISOString()}, has passed`);
      else timer = setTimeout(() => wait(fit, end), Math.min(left, LONGEST)).unref();
    };
    return {
      name: 'deadline',
      onFitStart: (fit) => wait(fit, typeof at === 'number' ? Date.now() + 1000 * at : at.getTime()),
      onFitEnd: () => clearTimeout(timer),
    };
  },
);
