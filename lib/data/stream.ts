import { type DType, requireDType } from '../graph/dtype.js';
import { invalid, requireInteger } from '../graph/errors.js';
import type { NumberArray } from '../graph/number-arrays.js';
import type { Shape } from '../graph/shapes.js';
import { requireKnown } from './transforms/checks.js';
import { type Form, planTransforms } from './transforms/program.js';
import type { OnBadItem, Transform } from './transforms/transform.js';

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
  /** Number of items of an epoch, if known; used for progress reports only. */
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

  constructor(open: OpenStream, options: StreamOptions, transforms: readonly Transform[] = []) {
    requireKnown('stream', options, ['inputs', 'targets', 'length', 'queue', 'onBadItem']);
    const { inputs, targets, length, queue = 16, onBadItem = 'error' } = options;
    if (typeof open !== 'function') {
      const iterable = typeof open === 'object' && open !== null;
      const hint = iterable ? ' that returns the iterable of an epoch: () => iterable' : '';
      throw invalid('stream', `open must be a function${hint}`, open);
    }
    if (typeof inputs !== 'object' || inputs === null || inputs.shape === undefined)
      throw invalid('stream', 'needs the shape of inputs: { inputs: { shape: [...] } }', inputs);
    if (length !== undefined) requireInteger('stream', 'length', length, { min: 1 });
    if (onBadItem !== 'error' && onBadItem !== 'skip')
      throw invalid('stream', "onBadItem must be 'error' or 'skip'", onBadItem);
    this.open = open;
    this.inputs = formOf('inputs', inputs.shape, inputs.dtype ?? 'float32');
    this.targets = formOf('targets', targets?.shape ?? [], targets?.dtype ?? 'int32');
    this.transforms = transforms;
    const plan = planTransforms(this.inputs, this.targets, transforms);
    this.loaded = { inputs: plan.inputs, targets: plan.targets };
    this.length = length;
    this.queue = requireInteger('stream', 'queue', queue, { min: 2 });
    this.onBadItem = onBadItem;
  }

  /** The same stream, with its items transformed when they are loaded; see `Dataset.transform`. */
  transform(transforms: readonly Transform[]): StreamDataset {
    if (!Array.isArray(transforms)) throw invalid('transform', 'takes a list of transforms', transforms);
    const { open, inputs, targets, length, queue, onBadItem } = this;
    const options = { inputs, targets, queue, onBadItem, ...(length === undefined ? {} : { length }) };
    return new StreamDataset(open, options, [...this.transforms, ...transforms]);
  }
}

/**
 * Samples from an iterable, such as a database cursor or a file read line by line, trained on while they arrive:
 * `open` is called for each epoch. Items are taken at most `queue` batches ahead of training, and workers read them
 * from shared memory. With `shuffle`, `fit` shuffles only within each half of the queue.
 *
 *     const rows = data.stream(({ epoch }) => readRows(epoch), { inputs: { shape: [28, 28, 1], dtype: 'uint8' } });
 *     for await (const epoch of trainer.fit(rows, { epochs: 3 })) console.log(epoch.loss);
 */
export function stream(open: OpenStream, options: StreamOptions): StreamDataset {
  return new StreamDataset(open, options);
}

function formOf(name: string, shape: Shape, dtype: DType): Form {
  if (!Array.isArray(shape)) throw invalid('stream', `the shape of ${name} must be a list`, shape);
  for (const size of shape) requireInteger('stream', `each size of the shape of ${name}`, size, { min: 1 });
  return { shape: [...shape], dtype: requireDType('stream', dtype) };
}
