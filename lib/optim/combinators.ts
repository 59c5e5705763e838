import { at } from '../graph/at.js';
import { invalid, requireInteger } from '../graph/errors.js';
import { requireShare } from './checks.js';
import { combined, type ReportedSchedule, requireRate, type Schedule, toSchedule } from './schedule.js';
import { constantLR, requireMilestones } from './schedules.js';

export interface WarmupOptions {
  /** Number of steps of the rise. */
  readonly steps: number;
  /** Share of the rate at step 0. Default 0. */
  readonly start?: number;
}

/**
 * Rises linearly to the first rate of a schedule, which then begins: step `steps` is its step 0 (Goyal et al. 2017).
 * As PyTorch's `LinearLR` and the schedule in a `SequentialLR`.
 */
export function warmup(schedule: number | Schedule, { steps, start = 0 }: WarmupOptions): ReportedSchedule {
  const inner = toSchedule('warmup', schedule);
  requireInteger('warmup', 'steps', steps, { min: 1 });
  requireShare('warmup', 'start', start);
  const rising: Schedule = (step) => inner(0) * (start + ((1 - start) * step) / steps);
  return sequentialLR([rising, inner], [steps], [inner]);
}

export interface LinearWarmupLROptions extends WarmupOptions {
  readonly lr: number;
}

/** A linear rise from `start * lr` to `lr`, constant from then on, as `torch.optim.lr_scheduler.LinearLR`. */
export function linearWarmupLR({ lr, ...options }: LinearWarmupLROptions): Schedule {
  requireRate('linearWarmupLR', lr, 'lr');
  return warmup(constantLR(lr), options);
}

/**
 * A sequence of schedules, each counted from its own step 0, as `torch.optim.lr_scheduler.SequentialLR`.
 *
 * @param milestones steps at which the second and each later schedule begins
 * @param reported schedules that receive reported figures; all by default
 */
export function sequentialLR(
  schedules: readonly Schedule[],
  milestones: readonly number[],
  reported: readonly Schedule[] = schedules,
): ReportedSchedule {
  if (!Array.isArray(schedules) || schedules.some((schedule) => typeof schedule !== 'function')) {
    throw invalid('sequentialLR', 'schedules must be an array of functions', schedules);
  }
  requireMilestones('sequentialLR', milestones);
  if (milestones.length !== schedules.length - 1) {
    const expected = `${schedules.length} schedules need ${schedules.length - 1} milestones`;
    throw invalid('sequentialLR', expected, milestones.length);
  }
  return combined((step) => {
    const index = milestones.filter((milestone) => step >= milestone).length;
    const start = index === 0 ? 0 : at(milestones, index - 1);
    return at(schedules, index)(step - start);
  }, reported);
}
