import { invalid } from '../graph/errors.js';
import type { ScheduleState } from '../optim/schedule.js';
import type { UpdateTally } from '../parallel/protocol/job.js';
import { decodeJson, encodeJson } from './json.js';

/** Figures by name: `loss` and the metrics. */
export type Figures = { readonly loss: number } & { readonly [name: string]: number };

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

/** Settings that must be the same for a run to resume from a checkpoint. */
export interface RunSettings {
  /** The rules of the groups, and `average` if averages are kept. */
  readonly optimizer: string;
  readonly accumulate: number;
  readonly seed: number;
  readonly shards: number;
  readonly batchSize: number;
  readonly shuffle: boolean;
  /** Missing in files of earlier versions, as false. */
  readonly dropLast?: boolean;
  /** Number of training samples. */
  readonly length: number;
}

/** Progress of a run, besides its tensors. */
export interface RunProgress {
  /** The trainer's steps and epochs before the run began. */
  readonly start: { readonly step: number; readonly epoch: number };
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
}

/** Contents of a checkpoint besides tensors. */
export interface RunState {
  readonly settings: RunSettings;
  readonly progress: RunProgress;
}

const FORMAT = 1;

/** Serialises a state; `version` is that of the program that writes it. */
export function encodeState(state: RunState, version: string): string {
  return encodeJson({ format: FORMAT, chainrule: version, ...state });
}

/** @throws if the text has another format; `path` is for the error */
export function decodeState(path: string, text: string): RunState {
  const { format, chainrule, settings, progress } = decodeJson(text) as Partial<
    RunState & { format: number; chainrule: string }
  >;
  if (format === FORMAT && settings && progress) return { settings, progress };
  throw invalid(path, `the checkpoint's format must be ${FORMAT} (chainrule ${chainrule} wrote it)`, format);
}
