import { checked, checkMethods, requireArguments } from '../graph/arguments/checked.js';
import { isRecord } from '../graph/arguments/is-record.js';
import { type Kind, kind, optional } from '../graph/arguments/kind.js';
import * as kinds from '../graph/arguments/kinds.js';
import { optionsOf } from '../graph/arguments/options.js';
import { allocate } from '../graph/dtype.js';
import { invalid, requireInteger } from '../graph/errors.js';
import { permutation } from '../graph/random.js';
import { sizeOf } from '../graph/shapes.js';
import {
  type Field,
  type FieldOptions,
  type FieldSource,
  field,
  fieldOptions,
  fieldSource,
  gatherSamples,
  lengthOf,
  toField,
} from './field.js';
import { MappedField } from './mapped-field.js';
import { type Form, planTransforms } from './transforms/program.js';
import { type Transform, transformList } from './transforms/transform.js';

const datasetKinds = { inputs: field, targets: field, transforms: transformList };

/**
 * Samples, in memory or in files: inputs and their targets. Data in memory are shared: worker threads read them
 * without a copy, and see any change to them.
 */
export class Dataset {
  /** In their stored form. */
  readonly inputs: Field;
  readonly targets: Field;
  /** Transforms applied to samples when they are loaded for training or evaluation. */
  readonly transforms: readonly Transform[];
  /** Forms of samples after loading. */
  readonly loaded: { readonly inputs: Form; readonly targets: Form };
  /** Number of samples. */
  readonly length: number;

  /** @throws ChainruleError if the fields are empty or differ in length, or a transform does not suit them */
  constructor(inputs: Field, targets: Field, transforms: readonly Transform[] = [], ...surplus: []) {
    requireArguments('Dataset', datasetKinds, [inputs, targets, transforms, ...surplus]);
    this.inputs = inputs;
    this.targets = targets;
    this.transforms = transforms;
    this.length = lengthOf(inputs);
    const plan = planTransforms(inputs, targets, transforms);
    this.loaded = { inputs: plan.inputs, targets: plan.targets };
    if (this.length !== lengthOf(targets)) {
      const got = `${this.length} and ${lengthOf(targets)}`;
      throw invalid('dataset', 'inputs and targets must have as many samples', got);
    }
    if (this.length === 0) throw invalid('dataset', 'needs at least one sample', 0);
  }

  /**
   * The same samples, transformed when they are loaded: after the transforms that they already have, in the order of
   * the list. Inputs become float32. Random choices depend only on the seed, the epoch, the transform and the
   * sample's index. To augment the training samples but not the validation samples, apply the transforms to the
   * former only.
   *
   *     const augmented = train.transform([
   *       data.flip(), data.crop({ padding: 4 }), data.normalize({ mean: 0.47, std: 0.25 }),
   *     ]);
   *
   * @throws ChainruleError naming the transform if it cannot be applied to such samples
   */
  transform(transforms: readonly Transform[]): Dataset {
    return new Dataset(this.inputs, this.targets, [...this.transforms, ...transforms]);
  }

  /** The first `n` samples (all, if there are fewer), with their transforms, over the same memory. */
  take(n: number): Dataset {
    const head = (field: Field): Field =>
      field instanceof MappedField
        ? field.take(n)
        : { ...field, data: field.data.subarray(0, n * sizeOf(field.shape)) };
    return new Dataset(head(this.inputs), head(this.targets), this.transforms);
  }

  /**
   * A copy in memory of the samples at `indices`, in that order, with their transforms; an index may occur more than
   * once.
   */
  subset(indices: Iterable<number>): Dataset {
    const checked = Int32Array.from(indices, (index) =>
      requireInteger('subset', 'an index', index, { min: 0, max: this.length - 1 }),
    );
    const pick = (field: Field): Field => {
      const data = allocate(field.dtype, checked.length * sizeOf(field.shape), { shared: true });
      gatherSamples(field, checked, data);
      return { dtype: field.dtype, shape: field.shape, data };
    };
    return new Dataset(pick(this.inputs), pick(this.targets), this.transforms);
  }

  /**
   * Splits the samples at random into two sets, which are copies.
   *
   * @param fraction share of the first set, between 0 and 1; both sets get at least one sample
   * @param seed the same seed gives the same split
   */
  split(fraction: number, seed = 0): [Dataset, Dataset] {
    if (this.length < 2) throw invalid('split', 'needs at least two samples', this.length);
    const first = Math.min(this.length - 1, Math.max(1, Math.round(fraction * this.length)));
    const order = permutation(this.length, seed);
    return [this.subset(order.subarray(0, first)), this.subset(order.subarray(first))];
  }
}

const iterable: Kind<Iterable<number>> = kind(
  'an array of indices, or another iterable of them',
  (value) => typeof value === 'object' && value !== null && Symbol.iterator in value,
);

const fraction: Kind<number> = kind(
  'a number between 0 and 1',
  (value) => typeof value === 'number' && value > 0 && value < 1,
);

const splitSeed: Kind<number> = {
  ...kinds.integer(),
  explain: (op, name, value) =>
    isRecord(value) && 'shuffle' in value
      ? invalid(op, `${name} must be an integer; the samples are always shuffled`, value)
      : undefined,
};

checkMethods(Dataset, {
  transform: { transforms: transformList },
  take: { n: kinds.count },
  subset: { indices: iterable },
  split: { fraction, seed: optional(splitSeed) },
});

/** Options of `fromArrays` for each side. */
export interface FromArraysOptions {
  inputs?: FieldOptions;
  targets?: FieldOptions;
}

const fromArraysOptions = optionsOf<FromArraysOptions>({ inputs: fieldOptions, targets: fieldOptions });

/**
 * A data set from arrays, which are copied into shared memory once.
 *
 * Each side is nested arrays (`[[0, 1], [1, 0]]`), an array of typed arrays (one per sample), one typed array (all
 * samples; inputs then need the shape of one sample), or `{ data, shape }` with the shape of all samples together, as
 * `readIdx` returns. Arrays over a SharedArrayBuffer are used without a copy.
 *
 * The dtype is that of the typed array (see `tensor` for those that tensors do not store); numbers in nested arrays
 * become float32, but a flat list of targets, one number per sample, becomes int32 class labels. `options`
 * override both, and values are converted to the dtype that is asked for: `fromArrays(pixels, labels, { inputs: {
 * shape: [28, 28, 1] }, targets: { dtype: 'float32' } })`.
 *
 * @throws ChainruleError for no samples, sides that differ in length, ragged arrays, values that their dtype cannot
 *   hold (NaN or 0.5 as a label)
 */
export const fromArrays = checked(
  'fromArrays',
  { inputs: fieldSource, targets: fieldSource, options: optional(fromArraysOptions) },
  (inputs: FieldSource, targets: FieldSource, options: FromArraysOptions = {}): Dataset =>
    new Dataset(
      toField('inputs', inputs, options.inputs ?? {}, { flatDType: 'float32' }),
      toField('targets', targets, options.targets ?? {}, { flatDType: 'int32', typedShape: [] }),
    ),
);
