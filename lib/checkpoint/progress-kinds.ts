import { isRecord } from '../graph/arguments/is-record.js';
import { type Kind, listOf, requireKind } from '../graph/arguments/kind.js';
import * as kinds from '../graph/arguments/kinds.js';
import { needed, optionsOf } from '../graph/arguments/options.js';
import { invalid } from '../graph/errors.js';
import type { FigureTable } from '../nn/figure.js';
import type { ScheduleState } from '../optim/schedule.js';
import type { UpdateTally } from '../parallel/protocol/job.js';
import type { EpochRecord, Figures, Point, RunProgress, SavedCallback } from './state.js';

const table = optionsOf<FigureTable>({
  shape: needed(listOf(kinds.index, 'non-negative integers')),
  data: needed(listOf(kinds.number, 'numbers')),
});

const numbers = kinds.recordOf(kinds.number, 'numbers by name');
const tablesByName = kinds.recordOf(table, 'tables by name');

const figures: Kind<Figures> = {
  description: 'numbers by name, with loss, and tables',
  accepts(value) {
    const { tables = {}, ...others } = (isRecord(value) ? value : {}) as Partial<Record<string, unknown>>;
    return Object.hasOwn(others, 'loss') && numbers.accepts(others) && tablesByName.accepts(tables);
  },
};

/** The figures of an epoch, from a file. */
export const epochRecord: Kind<EpochRecord> = optionsOf<EpochRecord>({
  epoch: needed(kinds.count),
  loss: needed(kinds.number),
  seconds: needed(kinds.nonNegative),
  examplesPerSecond: needed(kinds.number),
  skippedSteps: needed(kinds.index),
  skippedItems: needed(kinds.index),
  validation: figures,
});

/** The tally of missed updates, from a file. */
export const updateTally: Kind<UpdateTally> = optionsOf<UpdateTally>({
  missed: needed(kinds.index),
  contributed: needed(kinds.nonNegative),
});

const point = optionsOf<Point>({ step: needed(kinds.index), epoch: needed(kinds.index) });

const savedCallback = optionsOf<SavedCallback>({
  state: needed(kinds.anything('a state of a callback')),
  kept: needed(kinds.boolean),
});

const progressKind = optionsOf<RunProgress>({
  start: needed(point),
  epochSteps: kinds.count,
  since: point,
  step: needed(kinds.index),
  updates: updateTally,
  epochs: needed(kinds.index),
  epochStep: needed(kinds.index),
  epochSeconds: needed(kinds.nonNegative),
  epochSkippedItems: needed(kinds.index),
  schedules: needed(listOf(kinds.anything<ScheduleState>('a state of a schedule'), 'states of schedules')),
  history: needed(listOf(epochRecord, 'figures of epochs')),
  callbacks: kinds.recordOf(savedCallback, 'states of callbacks by name'),
});

/**
 * The progress in a state from a file, whose fields all have the right kind and fit together.
 *
 * @throws naming the file and the field
 */
export function requireProgress(path: string, value: unknown): RunProgress {
  const progress = requireKind(path, 'progress', progressKind, value);
  const { start, since = start, step, epochs, epochStep, epochSteps, history } = progress;
  const require = (holds: boolean, expected: string, received: unknown) => {
    if (!holds) throw invalid(path, `progress.${expected}`, received);
  };
  require(epochs >= start.epoch, `epochs must be at least ${start.epoch}, those before the run`, epochs);
  require(since.epoch >= start.epoch &&
    since.epoch <= epochs, 'since.epoch must be within the run', since.epoch);
  require(since.step >= start.step, 'since.step must be within the run', since.step);
  const whole = epochs - since.epoch;
  const taken = step - since.step - epochStep;
  if (epochSteps !== undefined) {
    require(epochStep <=
      epochSteps, `epochStep must be at most ${epochSteps}, the steps of an epoch`, epochStep);
    const expected = since.step + whole * epochSteps + epochStep;
    require(taken ===
      whole * epochSteps, `step must be ${expected} after ${whole} epochs and ${epochStep} steps`, step);
  } else {
    // Every epoch has a step at least.
    const fits = whole === 0 ? taken === 0 : taken >= whole;
    require(fits, `step must fit ${whole} epochs and ${epochStep} steps since step ${since.step}`, step);
  }
  history.forEach(({ epoch }, i) => {
    const after = history[i - 1]?.epoch ?? 0;
    require(epoch > after &&
      epoch <= epochs, `history[${i}].epoch must be from ${after + 1} to ${epochs}`, epoch);
  });
  const own = history.filter(({ epoch }) => epoch > start.epoch).length;
  const all = epochs - start.epoch;
  require(own === all, `history must have all ${all} epochs of the run`, own);
  return progress;
}
