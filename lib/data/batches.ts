import { checked } from '../graph/arguments/checked.js';
import { optional } from '../graph/arguments/kind.js';
import * as kinds from '../graph/arguments/kinds.js';
import { optionsOf } from '../graph/arguments/options.js';
import type { TensorData } from '../graph/dtype.js';
import { invalid } from '../graph/errors.js';
import { permutation } from '../graph/random.js';
import type { Structure, StructureLike } from '../graph/structure.js';
import { arraysOf, roomFor, sidesOf } from './columns.js';
import type { AnyDataset, Dataset } from './dataset.js';
import type { Field } from './field.js';
import { datasetOrStream } from './kinds.js';
import { SampleLoader } from './sample-loader.js';
import { type AnyStream, StreamDataset } from './stream.js';
import { noFullBatch, streamBatches } from './stream-batches.js';
import type { Form } from './transforms/program.js';

/** Samples gathered for one step; the first axis of the shapes counts them. */
export interface Batch<Inputs = TensorData, Targets = TensorData> {
  inputs: Inputs;
  targets: Targets;
  /** The weights of the samples, if the data set has some. */
  weights?: Structure<TensorData>;
  /** Index of each sample in the data set. */
  indices: Int32Array;
}

/** A batch of any samples. */
export type AnyBatch = Batch<Structure<TensorData>, Structure<TensorData>>;

/** Options of `batches`. */
export interface BatchesOptions {
  /** Samples per batch; default 32. */
  batchSize?: number;
  /** True to shuffle the samples; default false. */
  shuffle?: boolean;
  /** Seed of the order, and of random transforms; default 0. */
  seed?: number;
  /** Number of the epoch, from 0, each with its own order and random transforms; default 0. */
  epoch?: number;
  /** True to leave out a last batch that is not full; default false. */
  dropLast?: boolean;
}

const batchesOptions = optionsOf<BatchesOptions>({
  batchSize: kinds.count,
  shuffle: kinds.boolean,
  seed: kinds.integer(),
  epoch: kinds.index,
  dropLast: kinds.boolean,
});

/**
 * The batches of one epoch, for a hand-written training loop: `for (const { inputs, targets } of batches(train, {
 * batchSize: 64, shuffle: true, epoch }))`. Each batch is a copy, which the caller may keep or change. The order
 * depends only on the length of the data set, the seed and the epoch. Samples are transformed as the data set
 * specifies; if a module does so, which must be imported first, iterate with `for await`.
 *
 * The batches of a stream are taken with `for await`, at most `queue` batches ahead; each iteration opens the stream
 * again, with `epoch + 1`. With `shuffle`, they are shuffled within each half of the queue, as by `fit`.
 *
 * @throws ChainruleError at once, not at the first batch, if an option is out of range, or there is no full batch and
 *   `dropLast`; for a stream, at its end
 */
export const batches: Batches = checked(
  'batches',
  { dataset: datasetOrStream, options: optional(batchesOptions) },
  (samples: AnyDataset | AnyStream, options: BatchesOptions = {}) => {
    const { batchSize = 32, shuffle = false, seed = 0, epoch = 0, dropLast = false } = options;
    const complete = { batchSize, shuffle, seed, epoch, dropLast };
    return samples instanceof StreamDataset ? ofStream(samples, complete) : ofDataset(samples, complete);
  },
) as Batches;

/** The batch of samples with such fields. */
type BatchOf<I, T, F> = Batch<StructureLike<I, F, TensorData>, StructureLike<T, F, TensorData>>;

interface Batches {
  <I, T>(dataset: Dataset<I, T>, options?: BatchesOptions): BatchSequence<BatchOf<I, T, Field>>;
  <I, T>(dataset: StreamDataset<I, T>, options?: BatchesOptions): StreamBatches<BatchOf<I, T, Form>>;
}

function ofDataset(
  dataset: AnyDataset,
  { batchSize, shuffle, seed, epoch, dropLast }: Required<BatchesOptions>,
): BatchSequence<AnyBatch> {
  const full = Math.floor(dataset.length / batchSize);
  if (dropLast && full === 0) throw noFullBatch('batches', dataset.length, batchSize);
  const length = dropLast ? full : Math.ceil(dataset.length / batchSize);
  function* load(loader: SampleLoader): Generator<AnyBatch, void, undefined> {
    const order = shuffle
      ? permutation(dataset.length, seed, epoch)
      : Int32Array.from({ length: dataset.length }, (_, index) => index);
    for (let start = 0; start < length * batchSize; start += batchSize) {
      const batch = { start, count: Math.min(batchSize, dataset.length - start) };
      const room = roomFor(dataset.forms, batch.count);
      loader.load({ order, batch, rows: batch, epoch }, arraysOf(room));
      yield { ...sidesOf(room), indices: order.slice(start, start + batch.count) };
    }
  }
  return {
    length,
    *[Symbol.iterator]() {
      yield* load(SampleLoader.openNow(dataset.source, seed));
    },
    async *[Symbol.asyncIterator]() {
      yield* load(await SampleLoader.open(dataset.source, seed));
    },
  };
}

function ofStream(stream: AnyStream, options: Required<BatchesOptions>): StreamBatches<AnyBatch> {
  const { batchSize, dropLast } = options;
  const count = (stream.length ?? Number.NaN) / batchSize;
  return {
    length: dropLast ? Math.floor(count) : Math.ceil(count),
    [Symbol.iterator]() {
      throw invalid('batches', 'the batches of a stream must be taken with for await');
    },
    [Symbol.asyncIterator]: () => streamBatches(stream, options),
  };
}

/** An epoch of the batches of a stream. */
export interface StreamBatches<B = Batch> extends AsyncIterable<B> {
  /** Number of batches; NaN for a stream of unknown length. */
  readonly length: number;
  /** Not available: refused with an error. */
  [Symbol.iterator](): never;
}

/** An epoch of batches, which can be iterated more than once. */
export interface BatchSequence<B = Batch> extends Iterable<B>, AsyncIterable<B> {
  /** Number of batches. */
  readonly length: number;
}
