import { requireKind } from '../graph/arguments/kind.js';
import * as kinds from '../graph/arguments/kinds.js';
import { failed, invalid, messageOf } from '../graph/errors.js';
import type { FigureTable } from '../nn/figure.js';
import type { ScheduleState } from '../optim/schedule.js';
import type { UpdateTally } from '../parallel/protocol/job.js';
import type { Fingerprint } from './fingerprint.js';
import { decodeJson, encodeJson } from './json.js';
import { requireProgress } from './progress-kinds.js';

/**
 * Figures by name: `loss` and the metrics. Those whose results have axes, such as a confusion matrix, are in `tables`, which
 * is left out if there are none.
 */
export type Figures = {
  readonly loss: number;
  readonly tables?: Readonly<Record<string, FigureTable>>;
} & { readonly [name: string]: number };

/** Figures of an epoch in a trainer's history. */
export interface EpochRecord {
  /** From 1, counted over all calls of `fit`. */
  readonly epoch: number;
  /**
   * Loss over the samples of all steps that were not skipped, each with the parameters before its step: their mean, weighted
   * as the loss is, or their total.
   */
  readonly loss: number;
  /** Wall-clock time of training, without validation. */
  readonly seconds: number;
  readonly examplesPerSecond: number;
  /** Steps that changed nothing because their loss or gradients were not finite. */
  readonly skippedSteps: number;
  /** Samples replaced by others because they could not be loaded (see `onBadItem` of `data.custom`). */
  readonly skippedItems: number;
  readonly validation?: Figures;
}

/** A point between two steps of a trainer. */
export interface Point {
  /** Steps taken. */
  readonly step: number;
  /** Epochs begun before. */
  readonly epoch: number;
}

/** Progress of a run, besides its tensors. */
export interface RunProgress {
  /** Where the trainer was before the run began. */
  readonly start: Point;
  /** Steps of each epoch since `since`; missing for streams, and in files of earlier versions. */
  readonly epochSteps?: number;
  /** The end of the epoch after which epochs got another number of steps; missing if that is `start`. */
  readonly since?: Point;
  /** Steps taken by the trainer. */
  readonly step: number;
  /** The updates that skipped steps left out before the current epoch; missing in files of earlier versions. */
  readonly updates?: UpdateTally;
  /** Completed epochs of the trainer: validated, reported to the schedules, and in the history. */
  readonly epochs: number;
  /** Completed steps of the current epoch. */
  readonly epochStep: number;
  /** Seconds that these steps took. */
  readonly epochSeconds: number;
  /** Samples replaced by others in these steps, and perhaps in rows already loaded ahead. */
  readonly epochSkippedItems: number;
  readonly schedules: readonly ScheduleState[];
  readonly history: readonly EpochRecord[];
  /** What callbacks hold, by their names; missing in files of earlier versions. */
  readonly callbacks?: Readonly<Record<string, SavedCallback>>;
}

/** A callback's state after an epoch, and whether it keeps tensors in the same file. */
export interface SavedCallback {
  readonly state: unknown;
  readonly kept: boolean;
}

/** Contents of a checkpoint besides tensors. */
export interface RunState {
  /** What must be the same for a run to resume. */
  readonly settings: Fingerprint;
  readonly progress: RunProgress;
}

/** A state as a file holds it. */
export interface SavedState extends RunState {
  readonly format: number;
  /** The version of the package that wrote it. */
  readonly version: string;
}

/** Format 1 has only a few settings, under other names: see `fits.ts`. */
export const FIRST_FORMAT = 1;
const FORMAT = 2;

/** Serialises a state; `version` is that of the program that writes it. */
export function encodeState(state: RunState, version: string): string {
  return encodeJson({ format: FORMAT, chainrule: version, ...state });
}

/**
 * Reads a state and checks every field, since a checksum only tells that a file is as it was written.
 *
 * @throws naming the file and the field
 */
export function decodeState(path: string, text: string): SavedState {
  const { format, chainrule, settings, progress } = parse(path, text);
  const version = typeof chainrule === 'string' ? chainrule.slice(0, 40) : 'of another version';
  if (format !== FORMAT && format !== FIRST_FORMAT) {
    const expected = `the checkpoint's format must be ${FIRST_FORMAT} or ${FORMAT} (chainrule ${version} wrote it)`;
    throw invalid(path, expected, format);
  }
  const complete = requireProgress(path, progress);
  if (format !== FIRST_FORMAT && !complete.updates) throw invalid(path, 'progress.updates is missing');
  return { format, version, settings: requireFingerprint(path, format, settings), progress: complete };
}

function parse(path: string, text: string): Record<string, unknown> {
  try {
    const value = decodeJson(text);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch (cause) {
    throw failed('ERR_CHAINRULE_INVALID', path, `the state cannot be read: ${messageOf(cause)}`, { cause });
  }
  throw invalid(path, 'the state must be an object');
}

/** The limits of `shards`, which decides how a resumed run is compiled. */
const shards = kinds.integer({ min: 1, max: 1024 });

function requireFingerprint(path: string, format: number, settings: unknown): Fingerprint {
  const isObject = typeof settings === 'object' && settings !== null && !Array.isArray(settings);
  if (!isObject) throw invalid(path, 'settings must be an object', settings);
  const given = settings as Fingerprint;
  requireKind(path, 'settings.shards', shards, given.shards);
  if (format !== FIRST_FORMAT) requireKind(path, 'settings.rows', kinds.count, given.rows);
  return given;
}
