import { checked } from '../graph/arguments/checked.js';
import { type Kind, kind, requireKind } from '../graph/arguments/kind.js';
import * as kinds from '../graph/arguments/kinds.js';
import { needed, optionsOf } from '../graph/arguments/options.js';
import { type ReportedSchedule, type ScheduleState, scheduleOf } from './schedule.js';

export interface PlateauOptions {
  /** Initial rate. */
  readonly lr: number;
  /** 'min' if the figure should fall, 'max' if it should rise. Default 'min'. */
  readonly mode?: 'min' | 'max';
  /** Factor of each fall. Default 0.1. */
  readonly factor?: number;
  /** Reports without progress that are tolerated before the rate falls. Default 10. */
  readonly patience?: number;
  /** Least change that counts as progress. Default 1e-4. */
  readonly threshold?: number;
  /** 'rel' if the threshold is a share of the best figure, 'abs' if a difference from it. Default 'rel'. */
  readonly thresholdMode?: 'rel' | 'abs';
  /** Reports after a fall that do not count. Default 0. */
  readonly cooldown?: number;
  /** Lower bound on the rate. Default 0. */
  readonly minLR?: number;
  /** Falls no larger than this are skipped. Default 1e-8. */
  readonly eps?: number;
}

const plateauOptions = optionsOf<PlateauOptions>({
  lr: needed(kinds.nonNegative),
  mode: kinds.oneOf('min', 'max'),
  factor: kinds.share,
  patience: kinds.index,
  threshold: kinds.nonNegative,
  thresholdMode: kinds.oneOf('rel', 'abs'),
  cooldown: kinds.index,
  minLR: kinds.nonNegative,
  eps: kinds.nonNegative,
});

/**
 * A rate that falls when a figure stops improving, as `torch.optim.lr_scheduler.ReduceLROnPlateau`. A trainer reports
 * the loss of each epoch, or the validation loss if there is one; a hand-written loop calls
 * `optimizer.report(figure)`, or `report` of the schedule.
 */
export const reduceOnPlateau = checked(
  'reduceOnPlateau',
  { options: plateauOptions },
  (options: PlateauOptions): ReportedSchedule => {
    const { lr, mode = 'min', factor = 0.1, patience = 10, threshold = 1e-4 } = options;
    const { thresholdMode = 'rel', cooldown = 0, minLR = 0, eps = 1e-8 } = options;
    const op = 'reduceOnPlateau';
    const settings = { lr, mode, factor, patience, threshold, thresholdMode, cooldown, minLR, eps };
    const sign = mode === 'min' ? 1 : -1;
    let rate = lr;
    let best = sign * Number.POSITIVE_INFINITY;
    let [bad, cooling] = [0, 0];
    const better = (figure: number) => {
      if (thresholdMode === 'rel') return sign * figure < sign * best * (1 - sign * threshold);
      return sign * figure < sign * best - threshold;
    };
    return Object.assign(
      scheduleOf(op, settings, () => rate),
      {
        report(figure: number) {
          requireKind(op, 'a reported figure', kinds.number, figure);
          if (better(figure)) {
            best = figure;
            bad = 0;
          } else {
            bad++;
          }
          if (cooling > 0) {
            cooling--;
            bad = 0;
          }
          if (bad <= patience) return;
          const lower = Math.max(rate * factor, minLR);
          if (rate - lower > eps) rate = lower;
          cooling = cooldown;
          bad = 0;
        },
        state: () => ({ rate, best, bad, cooling }),
        restore(state: ScheduleState) {
          ({ rate, best, bad, cooling } = requireKind(op, 'state', plateauState, state));
        },
      },
    );
  },
);

/** State of the schedule; `best` is infinite before any progress. */
type PlateauState = Record<'rate' | 'best' | 'bad' | 'cooling', number>;

const figure: Kind<number> = kind('a number', (value) => typeof value === 'number' && !Number.isNaN(value));

const plateauState: Kind<PlateauState> = kinds.withFields<PlateauState>(
  'the numbers rate, best, bad and cooling',
  { rate: kinds.nonNegative, best: figure, bad: kinds.index, cooling: kinds.index },
);
