import type { Fingerprint } from '../../../checkpoint/fingerprint.js';
import type { AnyDataset, AnyStream } from '../../../data/index.js';
import { takesReports } from '../../../optim/schedule.js';
import type { TrainingJob } from '../../../parallel/protocol/job.js';
import { addon } from '../../../runtime/addon.js';
import type { FitOptions, TrainerOptions } from '../../options.js';
import type { JobContext } from '../../prepare/compile-job.js';
import { dataFingerprint, streamFingerprint } from './data.js';
import { modelFingerprint } from './model.js';
import { optimizerFingerprint } from './optimizer.js';
import { plainOf } from './plain.js';

/** A call of `fit` whose fingerprint is taken. */
export interface FingerprintSource {
  readonly context: JobContext;
  readonly training: TrainingJob;
  readonly options: FitOptions;
  readonly samples: AnyDataset;
  /** Undefined for a data set. */
  readonly stream: AnyStream | undefined;
}

/**
 * What each option does to the bits of the weights: nothing, or something that the fingerprint tells. The compiler demands a
 * decision about every new one.
 */
export const decided = {
  epochs: 'nothing',
  batchSize: 'told',
  dropLast: 'told',
  // Only through a schedule that follows its loss.
  validation: 'told',
  shuffle: 'told',
  health: 'nothing',
  nonFinite: 'told',
  restartWorkers: 'nothing',
  stepTimeout: 'nothing',
  checkpoint: 'nothing',
  signal: 'nothing',
  callbacks: 'told',
  onProgress: 'nothing',
  loss: 'told',
  // Told with the loss.
  lossWeights: 'nothing',
  optimizer: 'told',
  workers: 'nothing',
  shards: 'told',
  memory: 'nothing',
  planCache: 'nothing',
  nice: 'nothing',
  log: 'nothing',
  seed: 'told',
  extraModules: 'told',
  metrics: 'nothing',
} as const satisfies Readonly<Record<keyof (FitOptions & TrainerOptions), 'nothing' | 'told'>>;

/** The parts that are the same for a whole call. */
export class RunFingerprint {
  readonly #rest: Fingerprint;
  readonly #known = new Map<number, Fingerprint>();
  /** Rows of a batch. */
  readonly rows: number;
  /** Most rows at which a fingerprint is taken. */
  readonly mostRows = 2 ** 16;
  readonly isStream: boolean;

  constructor(private readonly source: FingerprintSource) {
    const { context, training, options, samples, stream } = source;
    const { seed, optimizer, parameters } = context;
    const { shards, batchSize, shuffle, dropLast, nonFinite, length } = training;
    this.rows = Math.min(batchSize, length);
    this.isStream = stream !== undefined;
    const follows = optimizer.groups.some(({ schedule }) => takesReports(schedule));
    const { validation, callbacks = [] } = options;
    this.#rest = {
      seed,
      shards,
      batchSize,
      shuffle: stream ? null : shuffle,
      dropLast,
      nonFinite,
      subnormals: addon().subnormals(),
      ...optimizerFingerprint(optimizer, parameters),
      ...(stream ? streamFingerprint(stream) : dataFingerprint('data', samples)),
      ...Object.fromEntries(
        callbacks.map(({ name, settings }) => [`callbacks.${name}`, plainOf(settings ?? null)]),
      ),
      ...(follows || callbacks.length > 0
        ? validation
          ? dataFingerprint('validation', validation)
          : { validation: null }
        : {}),
    };
  }

  /** The fingerprint, with model and loss as a batch of some rows goes through them. */
  of(rows = this.rows): Fingerprint {
    const { context, samples, training } = this.source;
    const known = this.#known.get(rows) ?? {
      rows,
      ...this.#rest,
      ...modelFingerprint(context, samples.forms, rows, training.shards > 1),
    };
    this.#known.set(rows, known);
    return known;
  }
}
