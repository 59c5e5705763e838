import { checked } from '../graph/arguments/checked.js';
import { kind } from '../graph/arguments/kind.js';
import * as kinds from '../graph/arguments/kinds.js';
import { needed, optionsOf } from '../graph/arguments/options.js';
import { at } from '../graph/at.js';
import { type Schedule, scheduleOf } from './schedule.js';
import { halfCosine } from './schedules.js';

export interface OneCycleLROptions {
  /** Highest rate. */
  readonly maxLR: number;
  /** Number of steps of the cycle; the rate keeps its last value afterwards. */
  readonly steps: number;
  /** Share of the steps in which the rate rises. Default 0.3. */
  readonly pctStart?: number;
  /** Shape of each phase: half a cosine or a straight line. Default 'cos'. */
  readonly anneal?: 'cos' | 'linear';
  /** The first rate is `maxLR` over this. Default 25. */
  readonly divFactor?: number;
  /** The last rate is the first one over this. Default 1e4. */
  readonly finalDivFactor?: number;
  /** True to fall to the first rate as fast as it rose, and then to the last one. Default false. */
  readonly threePhase?: boolean;
}

const oneCycleLROptions = optionsOf<OneCycleLROptions>({
  maxLR: needed(kinds.nonNegative),
  steps: needed(kinds.count),
  pctStart: kind(
    'a number from 0 to 1',
    (value) => kinds.nonNegative.accepts(value) && (value as number) <= 1,
  ),
  anneal: kinds.oneOf('cos', 'linear'),
  divFactor: kinds.positive,
  finalDivFactor: kinds.positive,
  threePhase: kinds.boolean,
});

/**
 * A rise to a high rate and a fall to a very low one (Smith & Topin 2018), as `torch.optim.lr_scheduler.OneCycleLR`.
 * The momentum stays unchanged.
 */
export const oneCycleLR = checked(
  'oneCycleLR',
  { options: oneCycleLROptions },
  (options: OneCycleLROptions): Schedule => {
    const { maxLR, steps, pctStart = 0.3, anneal = 'cos', divFactor = 25, finalDivFactor = 1e4 } = options;
    const { threePhase = false } = options;
    const first = maxLR / divFactor;
    const last = first / finalDivFactor;
    const top = pctStart * steps - 1;
    const down = threePhase ? [{ end: 2 * pctStart * steps - 2, from: maxLR, to: first }] : [];
    const phases = [
      { end: top, from: first, to: maxLR },
      ...down,
      { end: steps - 1, from: threePhase ? first : maxLR, to: last },
    ];
    const settings = { maxLR, steps, pctStart, anneal, divFactor, finalDivFactor, threePhase };
    return scheduleOf('oneCycleLR', settings, (step) => {
      const place = Math.min(step, steps - 1);
      const found = phases.findIndex(({ end }) => place <= end);
      const index = found < 0 ? phases.length - 1 : found;
      const { end, from, to } = at(phases, index);
      const start = index === 0 ? 0 : at(phases, index - 1).end;
      const share = end > start ? (place - start) / (end - start) : 1;
      return anneal === 'cos' ? halfCosine(from, to, share) : from + (to - from) * share;
    });
  },
);
