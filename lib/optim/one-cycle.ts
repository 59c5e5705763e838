import { at } from '../graph/at.js';
import { invalid, requireInteger } from '../graph/errors.js';
import { requirePositive } from './checks.js';
import { requireRate, type Schedule } from './schedule.js';
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

/**
 * A rise to a high rate and a fall to a very low one (Smith & Topin 2018), as `torch.optim.lr_scheduler.OneCycleLR`.
 * The momentum stays unchanged.
 */
export function oneCycleLR(options: OneCycleLROptions): Schedule {
  const { maxLR, steps, pctStart = 0.3, anneal = 'cos', divFactor = 25, finalDivFactor = 1e4 } = options;
  const { threePhase = false } = options;
  requireRate('oneCycleLR', maxLR, 'maxLR');
  requireInteger('oneCycleLR', 'steps', steps, { min: 1 });
  if (!(pctStart >= 0 && pctStart <= 1))
    throw invalid('oneCycleLR', 'pctStart must be from 0 to 1', pctStart);
  if (anneal !== 'cos' && anneal !== 'linear') {
    throw invalid('oneCycleLR', "anneal must be 'cos' or 'linear'", anneal);
  }
  requirePositive('oneCycleLR', 'divFactor', divFactor);
  requirePositive('oneCycleLR', 'finalDivFactor', finalDivFactor);
  const first = maxLR / divFactor;
  const last = first / finalDivFactor;
  const top = pctStart * steps - 1;
  const down = threePhase ? [{ end: 2 * pctStart * steps - 2, from: maxLR, to: first }] : [];
  const phases = [
    { end: top, from: first, to: maxLR },
    ...down,
    { end: steps - 1, from: threePhase ? first : maxLR, to: last },
  ];
  return (step) => {
    const place = Math.min(step, steps - 1);
    const found = phases.findIndex(({ end }) => place <= end);
    const index = found < 0 ? phases.length - 1 : found;
    const { end, from, to } = at(phases, index);
    const start = index === 0 ? 0 : at(phases, index - 1).end;
    const share = end > start ? (place - start) / (end - start) : 1;
    return anneal === 'cos' ? halfCosine(from, to, share) : from + (to - from) * share;
  };
}
