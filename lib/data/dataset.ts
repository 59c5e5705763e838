import { allocate } from '../graph/dtype.js';
import { invalid, requireInteger } from '../graph/errors.js';
import { permutation } from '../graph/random.js';
import { sizeOf } from '../graph/shapes.js';
import {
  type Field,
  type FieldOptions,
  type FieldSource,
  gatherSamples,
  lengthOf,
  toField,
} from './field.js';
import { MappedField } from './mapped-field.js';
import { type Form, planTransforms } from './transforms/program.js';
import type { Transform } from './transforms/transform.js';

/**
 * Samples, in memory or in files: inputs and what a model should make of them. Data in memory are shared, so worker
 * threads read them without a copy, and what changes there changes for all.
 */
export class Dataset {
  /** As they are stored. */
  readonly inputs: Field;
  readonly targets: Field;
  /** What is done to samples when they are loaded, to be trained or evaluated on. */
  readonly transforms: readonly Transform[];
  /** What samples are when they have been loaded. */
  readonly loaded: { readonly inputs: Form; readonly targets: Form };
  /** Number of samples. */
  readonly length: number;

  /** @throws ChainruleError when the fields are empty or differ in length, or a transform does not suit them */
  constructor(inputs: Field, targets: Field, transforms: readonly Transform[] = []) {
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
   * The same samples, transformed when they are loaded: after what is done to them already, in the order of the list.
   * Inputs become float32. What is random depends on the seed, the epoch, the transform and the sample's index only. To
   * augment samples that are trained on, and not those of the validation, give only the first the transforms.
   *
   *     const augmented = train.transform([
   *       data.flip(), data.crop({ padding: 4 }), data.normalize({ mean: 0.47, std: 0.25 }),
   *     ]);
   *
   * @throws ChainruleError naming the transform when it cannot be applied to such samples
   */
  transform(transforms: readonly Transform[]): Dataset {
    if (!Array.isArray(transforms)) throw invalid('transform', 'takes a list of transforms', transforms);
    const strange: unknown = transforms.find((transform) => typeof transform?.kind !== 'string');
    if (strange !== undefined) throw invalid('transform', 'takes transforms such as data.flip()', strange);
    return new Dataset(this.inputs, this.targets, [...this.transforms, ...transforms]);
  }

  /** The first `n` samples (all, if there are fewer), over the same memory, with their transforms. */
  take(n: number): Dataset {
    requireInteger('take', 'n', n, { min: 1 });
    const head = (field: Field): Field =>
      field instanceof MappedField
        ? field.take(n)
        : { ...field, data: field.data.subarray(0, n * sizeOf(field.shape)) };
    return new Dataset(head(this.inputs), head(this.targets), this.transforms);
  }

  /**
   * A copy in memory of the samples at `indices`, in that order, with their transforms; an index may stand there more than
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
   * Deals the samples at random into two sets, which are copies.
   *
   * @param fraction share of the first set, between 0 and 1; both sets get at least one sample
   * @param seed the same seed gives the same split
   */
  split(fraction: number, seed = 0): [Dataset, Dataset] {
    if (!(fraction > 0 && fraction < 1))
      throw invalid('split', 'fraction must lie between 0 and 1', fraction);
    if (this.length < 2) throw invalid('split', 'needs at least two samples', this.length);
    const first = Math.min(this.length - 1, Math.max(1, Math.round(fraction * this.length)));
    const order = permutation(this.length, seed);
    return [this.subset(order.subarray(0, first)), this.subset(order.subarray(first))];
  }
}

/** How `fromArrays` reads each side. */
export interface FromArraysOptions {
  inputs?: FieldOptions;
  targets?: FieldOptions;
}

/**
 * A data set from arrays, which are copied into shared memory once.
 *
 * Each side is nested arrays (`[[0, 1], [1, 0]]`), an array of typed arrays (one per sample), one typed array
 * (all samples; inputs then need the shape of one sample), or `{ data, shape }` with the shape of all samples
 * together, as `readIdx` gives it. Arrays over a SharedArrayBuffer are used as they are.
 *
 * The dtype is that of the typed array; numbers in nested arrays become float32, but a flat list of targets,
 * one number per sample, is taken for int32 class labels. `options` override both:
 * `fromArrays(pixels, labels, { inputs: { shape: [28, 28, 1] }, targets: { dtype: 'float32' } })`.
 *
 * @throws ChainruleError for no samples, sides that differ in length, ragged arrays, values that their dtype
 * cannot hold (NaN or 0.5 as a label), and typed arrays of another dtype than the one asked for
 */
export function fromArrays(
  inputs: FieldSource,
  targets: FieldSource,
  options: FromArraysOptions = {},
): Dataset {
  return new Dataset(
    toField('inputs', inputs, options.inputs ?? {}, { flatDType: 'float32' }),
    toField('targets', targets, options.targets ?? {}, { flatDType: 'int32', typedShape: [] }),
  );
}
