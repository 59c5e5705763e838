import { checked } from '../graph/arguments/checked.js';
import { isRecord } from '../graph/arguments/is-record.js';
import { type Kind, kind, optional, requireKind } from '../graph/arguments/kind.js';
import { optionsOf, unknownName } from '../graph/arguments/options.js';
import { invalid } from '../graph/errors.js';
import {
  nameAt,
  type Part,
  partsOf,
  type Structure,
  type StructureLike,
  structured,
  structureOf,
} from '../graph/structure.js';
import type { Side } from './columns.js';
import { type AnyDataset, Dataset } from './dataset.js';
import {
  type Field,
  type FieldDefaults,
  type FieldOptions,
  type FieldSource,
  fieldOptions,
  fieldSource,
  isWithShape,
  toField,
} from './field.js';

/** Options of `fromArrays`. */
export interface FromArraysOptions {
  /** Of the inputs; of several, options for each: a record by name, or a list, which says that the inputs are one. */
  inputs?: Structure<FieldOptions>;
  targets?: Structure<FieldOptions>;
  /**
   * A weight of at least 0 for each sample, in whatever form a field may have. Losses and figures are then weighted means:
   * the sum of weight times value over the sum of the weights. For several targets, one for all, or weights for each.
   * Default: all samples count alike.
   */
  weights?: Structure<FieldSource>;
}

/** The sources of a side: of one field, or a list or a record of fields. Their contents are checked by `toField`. */
const sources: Kind<Structure<FieldSource>> = {
  ...kind<Structure<FieldSource>>(
    'arrays, a typed array, or { data, shape }, or a record of these by name',
    (value) => fieldSource.accepts(value) || (isRecord(value) && recordOfSources.accepts(value)),
  ),
  explain: (op, name, value) =>
    fieldSource.explain?.(op, name, value) ??
    (isRecord(value) ? recordOfSources.explain?.(op, name, value) : undefined),
};
const recordOfSources = structured(fieldSource, 'fields');

const options = optionsOf<FromArraysOptions>({
  inputs: structured(fieldOptions, 'options'),
  targets: structured(fieldOptions, 'options'),
  weights: sources,
});

/** The fields of sources; a list of options says that the sources are a list of fields. */
type FieldsOf<S, Options> = [Options] extends [readonly unknown[]]
  ? { readonly [K in keyof S]: Field }
  : StructureLike<S, FieldSource, Field>;

/**
 * A data set from arrays, which are copied into shared memory once.
 *
 * Each side is nested arrays (`[[0, 1], [1, 0]]`), an array of typed arrays (one per sample), one typed array (all
 * samples; inputs then need the shape of one sample), or `{ data, shape }` with the shape of all samples together, as
 * `readIdx` returns. Arrays over a SharedArrayBuffer are used without a copy.
 *
 * For a model with several inputs or outputs, a side is a record of such fields by name, or a list of `{ data, shape }` and
 * mapped files; other arrays are a list of fields if there is a list of options for them. A model gets a record as one
 * argument, and a list as several:
 *
 *     data.fromArrays({ user, item, price }, { rating }, { inputs: { user: { dtype: 'int32' } } });
 *
 * The dtype is that of the typed array (see `tensor` for those that tensors do not store); numbers in nested arrays
 * become float32, but a flat list of targets, one number per sample, becomes int32 class labels. `options`
 * override both, and values are converted to the dtype that is asked for: `fromArrays(pixels, labels, { inputs: {
 * shape: [28, 28, 1] }, targets: { dtype: 'float32' } })`.
 *
 * @throws ChainruleError for no samples, sides that differ in length, ragged arrays, values that their dtype cannot
 *   hold (NaN or 0.5 as a label)
 */
export const fromArrays: FromArrays = checked(
  'fromArrays',
  { inputs: sources, targets: sources, options: optional(options) },
  (
    inputs: Structure<FieldSource>,
    targets: Structure<FieldSource>,
    { weights, ...options }: FromArraysOptions = {},
  ): AnyDataset =>
    new Dataset(
      toFields('inputs', inputs, options.inputs, { flatDType: 'float32' }),
      toFields('targets', targets, options.targets, { flatDType: 'int32', typedShape: [] }),
      [],
      weights === undefined
        ? undefined
        : toFields('weights', weights, undefined, {
            flatDType: 'float32',
            typedShape: [],
            dtype: 'float32',
          }),
    ),
) as FromArrays;

interface FromArrays {
  <
    I extends Structure<FieldSource>,
    T extends Structure<FieldSource>,
    const O extends FromArraysOptions = Record<never, never>,
  >(
    inputs: I,
    targets: T,
    options?: O,
  ): Dataset<FieldsOf<I, O['inputs']>, FieldsOf<T, O['targets']>>;
  (inputs: FieldSource, targets: FieldSource, options?: FromArraysOptions): Dataset;
}

/** The fields of a side. */
function toFields(
  side: Side,
  given: Structure<FieldSource>,
  options: Structure<FieldOptions> = {},
  defaults: FieldDefaults,
): Structure<Field> {
  if (!isSeveral(side, given, options)) {
    const expected = `the options of ${side}, which are one field, must be { shape, dtype }`;
    if (!fieldOptions.accepts(options)) throw invalid('fromArrays', expected, options);
    return toField(side, given as FieldSource, options as FieldOptions, defaults);
  }
  const parts = partsOf((Array.isArray(given) ? [...given] : given) as Structure<FieldSource>, noField);
  const own = optionsByName(
    side,
    options,
    parts.map(([place]) => nameAt(place)),
  );
  return structureOf(
    parts.map(([place, source]): Part<Field> => {
      requireKind('fromArrays', side + place, fieldSource, source);
      // One number for each sample: where another field tells their number, the shape is not needed to tell them apart.
      const field = toField(side + place, source, own.get(nameAt(place)) ?? {}, {
        typedShape: [],
        ...defaults,
      });
      return [place, field];
    }),
  );
}

const noField = { accepts: () => false };

/** The options of each of several fields. */
function optionsByName(
  side: Side,
  options: Structure<FieldOptions>,
  names: readonly string[],
): Map<string, FieldOptions> {
  if (fieldOptions.accepts(options) && Object.keys(options).length > 0) {
    const expected = `the options of ${side}, which are several, must be given for each, as { ${names[0]}: { ... } }`;
    throw invalid('fromArrays', expected, options);
  }
  const named = partsOf(options as Exclude<Structure<FieldOptions>, FieldOptions>, noField);
  const own = new Map(named.map(([place, one]) => [nameAt(place), one]));
  const unknown = [...own.keys()].find((name) => !names.includes(name));
  if (unknown === undefined) return own;
  throw unknownName('fromArrays', side.slice(0, -1), unknown, names, `${side}.`);
}

/**
 * True for a record of fields, and for a list of them. Other lists are nested arrays, unless there are options for each; but
 * weights are numbers, so arrays of them are those of several targets.
 */
function isSeveral(side: Side, given: Structure<FieldSource>, options: Structure<FieldOptions>): boolean {
  if (!Array.isArray(given)) return !fieldSource.accepts(given);
  const values: unknown[] = [...given];
  if (values.length === 0) return false;
  return side === 'weights'
    ? values.every((value) => fieldSource.accepts(value))
    : Array.isArray(options) || values.every(isWithShape);
}
