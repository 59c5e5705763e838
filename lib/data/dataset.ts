import { checkMethods, requireArguments } from '../graph/arguments/checked.js';
import { isRecord } from '../graph/arguments/is-record.js';
import { type Kind, kind, optional } from '../graph/arguments/kind.js';
import * as kinds from '../graph/arguments/kinds.js';
import { allocate } from '../graph/dtype.js';
import { invalid, requireInteger } from '../graph/errors.js';
import { permutation } from '../graph/random.js';
import { sizeOf } from '../graph/shapes.js';
import { type Structure, type StructureLike, structured } from '../graph/structure.js';
import { type Columns, columnsOf, mapColumns, type Side, sidesOf } from './columns.js';
import { type Field, field, gatherSamples, lengthOf } from './field.js';
import { MappedField } from './mapped-field.js';
import type { SampleSource } from './sample-loader.js';
import { byColumn, byInput, joined, type TransformLists, transformLists } from './transforms/by-input.js';
import { type Form, planTransforms } from './transforms/program.js';
import { requireWeights } from './weights.js';

const fields = structured(field, 'fields');

const datasetKinds = {
  inputs: fields,
  targets: fields,
  transforms: transformLists,
  weights: optional(fields),
};

/**
 * Samples, in memory or in files: inputs, their targets and, if samples do not count alike, their weights. Inputs and
 * targets are one field each, or a list or a record of fields. Data in memory are shared: worker threads read them without a
 * copy, and see any change to them.
 */
export class Dataset<Inputs = Field, Targets = Field> {
  /** In their stored form. */
  readonly inputs: Inputs;
  readonly targets: Targets;
  /** One number for each sample, or for each sample and target; undefined if all samples count alike. */
  readonly weights: Structure<Field> | undefined;
  /** Transforms applied to samples when they are loaded for training or evaluation. */
  readonly transforms: TransformLists;
  /** Forms of samples after loading. */
  readonly loaded: {
    readonly inputs: StructureLike<Inputs, Field, Form>;
    readonly targets: StructureLike<Targets, Field, Form>;
    readonly weights?: Structure<Form>;
  };
  /** Number of samples. */
  readonly length: number;
  /** The columns as threads load them. */
  readonly source: SampleSource;
  /** Forms of the columns after loading. */
  readonly forms: Columns<Form>;

  /** @throws ChainruleError if the fields are empty or differ in length, or a transform does not suit them */
  constructor(
    inputs: Inputs,
    targets: Targets,
    transforms: TransformLists = [],
    weights?: Structure<Field>,
    ...surplus: []
  ) {
    requireArguments('Dataset', datasetKinds, [inputs, targets, transforms, weights, ...surplus]);
    this.inputs = inputs;
    this.targets = targets;
    this.weights = weights;
    this.transforms = transforms;
    const sides = { inputs, targets, weights } as { [S in Side]: Structure<Field> };
    const columns = columnsOf(sides, field);
    this.source = { columns, transforms: byColumn(columns, transforms) };
    this.forms = planTransforms(columns, this.source.transforms).forms;
    this.loaded = sidesOf(this.forms) as this['loaded'];
    requireWeights(columns);
    this.length = commonLength(columns);
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
   *     const scaled = several.transform({ image: [data.normalize({ mean: 0.47, std: 0.25 })] });
   *
   * @param transforms a list, or lists by the names of several inputs (0, 1, ... in a list of inputs)
   * @throws ChainruleError naming the transform if it cannot be applied to such samples
   */
  transform(transforms: TransformLists): Dataset<Inputs, Targets> {
    const { columns, transforms: own } = this.source;
    const all = joined(own, byColumn(columns, transforms));
    return new Dataset(this.inputs, this.targets, byInput(columns, all), this.weights);
  }

  /** The first `n` samples (all, if there are fewer), with their transforms, over the same memory. */
  take(n: number): Dataset<Inputs, Targets> {
    return this.#with((field) =>
      field instanceof MappedField
        ? field.take(n)
        : { ...field, data: field.data.subarray(0, n * sizeOf(field.shape)) },
    );
  }

  /**
   * A copy in memory of the samples at `indices`, in that order, with their transforms; an index may occur more than
   * once.
   */
  subset(indices: Iterable<number>): Dataset<Inputs, Targets> {
    const checked = Int32Array.from(indices, (index) =>
      requireInteger('subset', 'an index', index, { min: 0, max: this.length - 1 }),
    );
    return this.#with((field) => {
      const data = allocate(field.dtype, checked.length * sizeOf(field.shape), { shared: true });
      gatherSamples(field, checked, data);
      return { dtype: field.dtype, shape: field.shape, data };
    });
  }

  /**
   * Splits the samples at random into two sets, which are copies.
   *
   * @param fraction share of the first set, between 0 and 1; both sets get at least one sample
   * @param seed the same seed gives the same split
   */
  split(fraction: number, seed = 0): [Dataset<Inputs, Targets>, Dataset<Inputs, Targets>] {
    if (this.length < 2) throw invalid('split', 'needs at least two samples', this.length);
    const first = Math.min(this.length - 1, Math.max(1, Math.round(fraction * this.length)));
    const order = permutation(this.length, seed);
    return [this.subset(order.subarray(0, first)), this.subset(order.subarray(first))];
  }

  /** A data set of the same structure, of what a function makes of each field. */
  #with(fn: (field: Field) => Field): Dataset<Inputs, Targets> {
    const { inputs, targets, weights } = sidesOf(mapColumns(this.source.columns, fn));
    return new Dataset(inputs as Inputs, targets as Targets, this.transforms, weights);
  }
}

/** A data set with any inputs and targets. */
export type AnyDataset = Dataset<Structure<Field>, Structure<Field>>;

/** The number of samples, which all columns must have. */
function commonLength(columns: Columns<Field>): number {
  const lengths = mapColumns(columns, lengthOf);
  const [[first, length] = ['', 0], ...others] = Object.entries(lengths);
  for (const [name, other] of others) {
    if (other === length) continue;
    throw invalid('dataset', `${first} and ${name} must have as many samples`, `${length} and ${other}`);
  }
  if (length === 0) throw invalid('dataset', 'needs at least one sample', 0);
  return length;
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
  transform: { transforms: transformLists },
  take: { n: kinds.count },
  subset: { indices: iterable },
  split: { fraction, seed: optional(splitSeed) },
});
