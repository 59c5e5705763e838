import type { Fingerprint, Plain } from '../../checkpoint/fingerprint.js';
import { decodeJson, encodeJson } from '../../checkpoint/json.js';
import { epochRecord, updateTally } from '../../checkpoint/progress-kinds.js';
import type { EpochRecord } from '../../checkpoint/state.js';
import { listOf, requireKind } from '../../graph/arguments/kind.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { needed, optionsOf } from '../../graph/arguments/options.js';
import { failed, invalid, messageOf } from '../../graph/errors.js';
import type { FileTensor } from '../../io/file-dtypes.js';
import { TRAINING_PREFIX } from '../../nn/module.js';
import type { ScheduleState } from '../../optim/schedule.js';
import type { UpdateTally } from '../../parallel/protocol/job.js';

/** The name of the tensor with what a trainer's state has besides tensors: JSON in UTF-8. */
export const PROGRESS = `${TRAINING_PREFIX}progress`;

const FORMAT = 1;

/** What a trainer's state has besides tensors. */
export interface SavedProgress {
  readonly steps: number;
  readonly updates: UpdateTally;
  readonly epochs: number;
  readonly history: readonly EpochRecord[];
  readonly schedules: readonly ScheduleState[];
  /** The settings of the optimiser. */
  readonly optimizer: Fingerprint;
}

const savedProgress = optionsOf<SavedProgress & { readonly format: number }>({
  format: needed(kinds.integer({ min: FORMAT, max: FORMAT })),
  steps: needed(kinds.index),
  updates: needed(updateTally),
  epochs: needed(kinds.index),
  history: needed(listOf(epochRecord, 'figures of epochs')),
  schedules: needed(listOf(kinds.anything<ScheduleState>('a state of a schedule'), 'states of schedules')),
  optimizer: needed(kinds.recordOf(kinds.anything<Plain>('a value'), 'an object')),
});

export function encodeProgress(progress: SavedProgress): FileTensor {
  const data = new TextEncoder().encode(encodeJson({ format: FORMAT, ...progress }));
  return { dtype: 'uint8', shape: [data.length], data };
}

/**
 * Reads the progress in a state, and checks every field.
 *
 * @throws naming the field
 */
export function decodeProgress({ dtype, data }: FileTensor): SavedProgress {
  if (dtype !== 'uint8') throw invalid('loadState', `${PROGRESS} must be uint8`, dtype);
  const progress = requireKind('loadState', PROGRESS, savedProgress, parse(data as Uint8Array));
  const { epochs, history } = progress;
  history.forEach(({ epoch }, i) => {
    const after = history[i - 1]?.epoch ?? 0;
    if (epoch > after && epoch <= epochs) return;
    throw invalid(
      'loadState',
      `${PROGRESS}.history[${i}].epoch must be from ${after + 1} to ${epochs}`,
      epoch,
    );
  });
  return progress;
}

function parse(data: Uint8Array): unknown {
  try {
    return decodeJson(new TextDecoder('utf-8', { fatal: true }).decode(data));
  } catch (cause) {
    const rule = `${PROGRESS} cannot be read: ${messageOf(cause)}`;
    throw failed('ERR_CHAINRULE_INVALID', 'loadState', rule, { cause });
  }
}
