import type { Evaluation } from './objective.js';
import { dot, largest, type Vector } from './vectors.js';

/** A step along a direction: its length, the loss and gradient there, and the slope along the direction. */
interface Trial extends Evaluation {
  readonly length: number;
  readonly slope: number;
}

export interface LineSearchResult extends Evaluation {
  readonly length: number;
  readonly evaluations: number;
}

export interface LineSearch {
  /** The loss and gradient at a distance along the direction. */
  evaluate(length: number): Promise<Evaluation>;
  readonly direction: Vector;
  /** Loss and gradient at length 0. */
  readonly start: Evaluation;
  /** First length to try. */
  readonly length: number;
  /** The search ends when its bracket moves parameters by less than this. */
  readonly tolerance: number;
  readonly maxEvaluations: number;
}

/** Wolfe constants, shares of the initial slope: the least fall of the loss, and the largest remaining slope. */
const DECREASE = 1e-4;
const CURVATURE = 0.9;

/**
 * A step length that satisfies the strong Wolfe conditions: first a bracket around one, then cubic interpolation
 * within it (Nocedal & Wright 2006, algorithms 3.5 and 3.6), as the line search of `torch.optim.LBFGS`.
 */
export async function strongWolfe(search: LineSearch): Promise<LineSearchResult> {
  const { direction, start, maxEvaluations } = search;
  let evaluations = 0;
  const attempt = async (length: number): Promise<Trial> => {
    const evaluation = await search.evaluate(length);
    evaluations++;
    return { ...evaluation, length, slope: dot(evaluation.gradient, direction) };
  };
  const origin: Trial = { ...start, length: 0, slope: dot(start.gradient, direction) };
  const tooHigh = ({ value, length }: Trial) => value > start.value + DECREASE * length * origin.slope;
  const flat = ({ slope }: Trial) => Math.abs(slope) <= -CURVATURE * origin.slope;

  let previous = origin;
  let trial = await attempt(search.length);
  let rounds = 0;
  let bracket: [Trial, Trial] | undefined;
  while (rounds < maxEvaluations) {
    if (tooHigh(trial) || (rounds > 1 && trial.value >= previous.value)) bracket = [previous, trial];
    else if (flat(trial)) return { ...trial, evaluations };
    else if (trial.slope >= 0) bracket = [previous, trial];
    if (bracket) break;
    const least = trial.length + 0.01 * (trial.length - previous.length);
    const next = interpolate(previous, trial, [least, trial.length * 10]);
    previous = trial;
    trial = await attempt(next);
    rounds++;
  }
  let [low, high] = ordered(bracket ?? [origin, trial]);
  const width = largest(direction);
  let stalled = false;
  while (bracket && rounds < maxEvaluations) {
    const ends = [low.length, high.length];
    const [least, most] = [Math.min(...ends), Math.max(...ends)];
    if ((most - least) * width < search.tolerance) break;
    let next = interpolate(low, high, [least, most]);
    const margin = 0.1 * (most - least);
    if (Math.min(most - next, next - least) < margin) {
      if (stalled || next >= most || next <= least) {
        next = Math.abs(next - most) < Math.abs(next - least) ? most - margin : least + margin;
        stalled = false;
      } else {
        stalled = true;
      }
    } else {
      stalled = false;
    }
    trial = await attempt(next);
    rounds++;
    if (tooHigh(trial) || trial.value >= low.value) {
      [low, high] = ordered([low, trial]);
      continue;
    }
    if (flat(trial)) return { ...trial, evaluations };
    if (trial.slope * (high.length - low.length) >= 0) high = low;
    low = trial;
  }
  return { ...low, evaluations };
}

/** Sorts two trials by loss; equal ones keep their order. */
function ordered([a, b]: readonly [Trial, Trial]): [Trial, Trial] {
  return a.value <= b.value ? [a, b] : [b, a];
}

/** The length at which the cubic through two points with their slopes has its minimum, within bounds. */
function interpolate(a: Trial, b: Trial, [least, most]: readonly [number, number]): number {
  const [near, far] = a.length <= b.length ? [a, b] : [b, a];
  const d1 = near.slope + far.slope - (3 * (near.value - far.value)) / (near.length - far.length);
  const square = d1 * d1 - near.slope * far.slope;
  // Also for NaN, the result of a loss that is not finite.
  if (!(square >= 0)) return (least + most) / 2;
  const d2 = Math.sqrt(square);
  const share = (far.slope + d2 - d1) / (far.slope - near.slope + 2 * d2);
  return Math.min(Math.max(far.length - (far.length - near.length) * share, least), most);
}
