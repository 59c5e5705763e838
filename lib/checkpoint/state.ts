import { invalid } from '../graph/errors.js';
import type { ScheduleState } from '../optim/schedule.js';
import { decodeJson, encodeJson } from './json.js';

/** Figures by name: `loss` and the metrics. */
export type Figures = { readonly loss: number } & { readonly [name: string]: number };

/** The figures of an epoch, as a trainer's history keeps them. */
export interface EpochRecord {
  /** From 1, counted over all calls of `fit`. */
  readonly epoch: number;
  /** The mean loss over the samples of the steps that were not skipped, each taken as the parameters then were. */
  readonly loss: number;
  /** Wall-clock time of training, without validation. */
  readonly seconds: number;
  readonly examplesPerSecond: number;
  /** Steps that changed nothing, because their loss was not finite. */
  readonly skippedSteps: number;
  /** Samples that others stood in for, because they could not be loaded (see `onBadItem` of `data.custom`). */
  readonly skippedItems: number;
  readonly validation?: Figures;
}

/** What must be the same for a run to go on from a checkpoint. */
export interface RunSettings {
  /** The rules of the groups, and `average` where averages are kept. */
  readonly optimizer: string;
  readonly accumulate: number;
  readonly seed: number;
  readonly shards: number;
  readonly batchSize: number;
  readonly shuffle: boolean;
  /** Samples of the data. */
  readonly length: number;
}

/** Where a run is, besides its tensors. */
export interface RunProgress {
  /** The trainer's steps and epochs before the run began. */
  readonly start: { readonly step: number; readonly epoch: number };
  /** The trainer's steps. */
  readonly step: number;
  /** The trainer's epochs that are over: validated, reported to the schedules, and in the history. */
  readonly epochs: number;
  /** Steps of the epoch under way. */
  readonly epochStep: number;
  /** Seconds that these took. */
  readonly epochSeconds: number;
  /** Samples in them that others stood in for, and perhaps some that had been loaded ahead. */
  readonly epochSkippedItems: number;
  readonly schedules: readonly ScheduleState[];
  readonly history: readonly EpochRecord[];
}

/** What a checkpoint holds besides tensors. */
export interface RunState {
  readonly settings: RunSettings;
  readonly progress: RunProgress;
}

const FORMAT = 1;

/** A state as text. `version` is that of the program that writes it. */
export function encodeState(state: RunState, version: string): string {
  return encodeJson({ format: FORMAT, chainrule: version, ...state });
}

/** @throws when the text was written in another format; `path` is for the error */
export function decodeState(path: string, text: string): RunState {
  const { format, chainrule, settings, progress } = decodeJson(text) as Partial<
    RunState & { format: number; chainrule: string }
  >;
  if (format === FORMAT && settings && progress) return { settings, progress };
  throw invalid(path, `the checkpoint's format must be ${FORMAT} (chainrule ${chainrule} wrote it)`, format);
}
