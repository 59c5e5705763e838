import { checked, checkMethods, requireArguments } from '../graph/arguments/checked.js';
import type { Kind } from '../graph/arguments/kind.js';
import * as kinds from '../graph/arguments/kinds.js';
import { needed, optionsOf } from '../graph/arguments/options.js';
import type { DType } from '../graph/dtype.js';
import { invalid } from '../graph/errors.js';
import type { NumberArray } from '../graph/number-arrays.js';
import type { Shape } from '../graph/shapes.js';
import { onBadItem as onBadItemKind } from './transforms/kinds.js';
import { type Form, planTransforms } from './transforms/program.js';
import { type OnBadItem, type Transform, transformList } from './transforms/transform.js';

/**
 * A sample of a stream. Each value is a number, an array of all numbers row by row, or a typed array of the declared
 * dtype.
 */
export interface StreamItem {
  readonly inputs: StreamValue;
  readonly target: StreamValue;
}

export type StreamValue = number | ArrayLike<number> | NumberArray;

/** The items of an epoch. */
export type StreamSource = AsyncIterable<StreamItem> | Iterable<StreamItem>;

/** Opens the stream for an epoch, counted from 1. */
export type OpenStream = (options: { readonly epoch: number }) => StreamSource | Promise<StreamSource>;

export interface StreamOptions {
  /** Form of one item's inputs. The dtype is float32 by default. */
  readonly inputs: { readonly shape: Shape; readonly dtype?: DType };
  /** Form of one item's target. Default: int32 labels, one number for each item. */
  readonly targets?: { readonly shape?: Shape; readonly dtype?: DType };
  /** Number of items of an epoch, if known; for progress reports, and to look at the last batch before the first step. */
  readonly length?: number;
  /**
   * Maximum number of batches in memory: half of them are trained on while the others arrive. Default 16, at least 2.
   */
  readonly queue?: number;
  /**
   * Treatment of an item of another shape or dtype: 'error' throws an error that gives its number; 'skip' leaves it
   * out and counts it. Default 'error'. An error of the iterable itself always ends training.
   */
  readonly onBadItem?: OnBadItem;
}

const streamOptions = optionsOf<StreamOptions>({
  inputs: needed(
    optionsOf<StreamOptions['inputs']>({ shape: needed(kinds.sampleShape), dtype: kinds.dtype }),
  ),
  targets: optionsOf<NonNullable<StreamOptions['targets']>>({ shape: kinds.sampleShape, dtype: kinds.dtype }),
  length: kinds.count,
  queue: kinds.integer({ min: 2 }),
  onBadItem: onBadItemKind,
});

const openStream: Kind<OpenStream> = {
  ...kinds.callback<OpenStream>('a function'),
  explain(op, name, value) {
    if (typeof value !== 'object' || value === null) return undefined;
    return invalid(
      op,
      `${name} must be a function that returns the iterable of an epoch: () => iterable`,
      value,
    );
  },
};

const streamKinds = {
  open: openStream,
  options: streamOptions,
};

/** Samples that arrive while they are trained on; created by `stream`. */
export class StreamDataset {
  readonly open: OpenStream;
  /** Form of arriving items. */
  readonly inputs: Form;
  readonly targets: Form;
  readonly transforms: readonly Transform[];
  /** Forms of items after loading. */
  readonly loaded: { readonly inputs: Form; readonly targets: Form };
  readonly length: number | undefined;
  readonly queue: number;
  readonly onBadItem: OnBadItem;

  constructor(
    open: OpenStream,
    options: StreamOptions,
    transforms: readonly Transform[] = [],
    ...surplus: []
  ) {
    const parameters = { ...streamKinds, transforms: transformList };
    requireArguments('StreamDataset', parameters, [open, options, transforms, ...surplus]);
    const { inputs, targets, length, queue = 16, onBadItem = 'error' } = options;
    this.open = open;
    this.inputs = { shape: [...inputs.shape], dtype: inputs.dtype ?? 'float32' };
    this.targets = { shape: [...(targets?.shape ?? [])], dtype: targets?.dtype ?? 'int32' };
    this.transforms = transforms;
    const plan = planTransforms(this.inputs, this.targets, transforms);
    this.loaded = { inputs: plan.inputs, targets: plan.targets };
    this.length = length;
    this.queue = queue;
    this.onBadItem = onBadItem;
  }

  /** The same stream, with its items transformed when they are loaded; see `Dataset.transform`. */
  transform(transforms: readonly Transform[]): StreamDataset {
    const { open, inputs, targets, length, queue, onBadItem } = this;
    const options = { inputs, targets, queue, onBadItem, ...(length === undefined ? {} : { length }) };
    return new StreamDataset(open, options, [...this.transforms, ...transforms]);
  }
}

checkMethods(StreamDataset, { transform: { transforms: transformList } });

/**
 * Samples from an iterable, such as a database cursor or a file read line by line, trained on while they arrive:
 * `open` is called for each epoch. Items are taken at most `queue` batches ahead of training, and workers read them
 * from shared memory. With `shuffle`, `fit` shuffles only within each half of the queue.
 *
 *     const rows = data.stream(({ epoch }) => readRows(epoch), { inputs: { shape: [28, 28, 1], dtype: 'uint8' } });
 *     for await (const epoch of trainer.fit(rows, { epochs: 3 })) console.log(epoch.loss);
 */
export const stream = checked(
  'stream',
  streamKinds,
  (open: OpenStream, options: StreamOptions): StreamDataset => new StreamDataset(open, options),
);
