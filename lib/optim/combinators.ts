import { checked } from '../graph/arguments/checked.js';
import { listOf, optional } from '../graph/arguments/kind.js';
import * as kinds from '../graph/arguments/kinds.js';
import { needed, optionsOf } from '../graph/arguments/options.js';
import { at } from '../graph/at.js';
import { invalid } from '../graph/errors.js';
import { milestones as milestonesKind } from './kinds.js';
import {
  combined,
  type MadeSchedule,
  type ReportedSchedule,
  rate,
  rateAt,
  type Schedule,
  schedule as scheduleKind,
  scheduleOf,
  toSchedule,
} from './schedule.js';

export interface WarmupOptions {
  /** Number of steps of the rise. */
  readonly steps: number;
  /** Share of the rate at step 0. Default 0. */
  readonly start?: number;
}

const warmupKinds = { steps: needed(kinds.count), start: kinds.share };

/**
 * Rises linearly to the first rate of a schedule, which then begins: step `steps` is its step 0 (Goyal et al. 2017).
 * As PyTorch's `LinearLR` and the schedule in a `SequentialLR`.
 */
export const warmup = checked(
  'warmup',
  { schedule: rate, options: optionsOf<WarmupOptions>(warmupKinds) },
  (schedule: number | Schedule, options: WarmupOptions): ReportedSchedule =>
    warmedUp('warmup', toSchedule(schedule), options),
);

function warmedUp(op: string, schedule: Schedule, { steps, start = 0 }: WarmupOptions): ReportedSchedule {
  const rising: Schedule = (step) =>
    rateAt(op, { schedule, step: 0 }) * (start + ((1 - start) * step) / steps);
  return inSequence({ op, settings: { schedule, steps, start } }, [rising, schedule], [steps], [schedule]);
}

export interface LinearWarmupLROptions extends WarmupOptions {
  readonly lr: number;
}

const linearWarmupLROptions = optionsOf<LinearWarmupLROptions>({
  ...warmupKinds,
  lr: needed(kinds.nonNegative),
});

/** A linear rise from `start * lr` to `lr`, constant from then on, as `torch.optim.lr_scheduler.LinearLR`. */
export const linearWarmupLR = checked(
  'linearWarmupLR',
  { options: linearWarmupLROptions },
  ({ lr, ...options }: LinearWarmupLROptions): Schedule =>
    warmedUp('linearWarmupLR', toSchedule(lr), options),
);

/**
 * A sequence of schedules, each counted from its own step 0, as `torch.optim.lr_scheduler.SequentialLR`.
 *
 * @param milestones steps at which the second and each later schedule begins
 * @param reported schedules that receive reported figures; all by default
 */
export const sequentialLR = checked(
  'sequentialLR',
  {
    schedules: listOf(scheduleKind, 'functions of the step'),
    milestones: milestonesKind,
    reported: optional(listOf(scheduleKind, 'functions of the step')),
  },
  (
    schedules: readonly Schedule[],
    milestones: readonly number[],
    reported: readonly Schedule[] = schedules,
  ): ReportedSchedule => {
    if (milestones.length !== schedules.length - 1) {
      const expected = `${schedules.length} schedules need ${schedules.length - 1} milestones`;
      throw invalid('sequentialLR', expected, milestones.length);
    }
    const settings = {
      schedules: [...schedules],
      milestones: [...milestones],
      reported: reported.map((schedule) => schedules.indexOf(schedule)),
    };
    return inSequence({ op: 'sequentialLR', settings }, schedules, milestones, reported);
  },
);

function inSequence(
  { op, settings }: MadeSchedule,
  schedules: readonly Schedule[],
  milestones: readonly number[],
  reported: readonly Schedule[],
): ReportedSchedule {
  const formula = scheduleOf(op, settings, (step) => {
    const index = milestones.filter((milestone) => step >= milestone).length;
    const start = index === 0 ? 0 : at(milestones, index - 1);
    return rateAt(op, { schedule: at(schedules, index), step: step - start });
  });
  return combined(op, settings, formula, reported);
}
