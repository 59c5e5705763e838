import { checked, checkMethods, requireArguments } from '../graph/arguments/checked.js';
import type { Kind } from '../graph/arguments/kind.js';
import * as kinds from '../graph/arguments/kinds.js';
import { needed, optionsOf } from '../graph/arguments/options.js';
import type { DType } from '../graph/dtype.js';
import { invalid } from '../graph/errors.js';
import type { NumberArray } from '../graph/number-arrays.js';
import type { Shape } from '../graph/shapes.js';
import { mapStructure, type Structure, type StructureLike, structured } from '../graph/structure.js';
import { type Columns, columnsOf, type Side, sidesOf } from './columns.js';
import {
  byColumn,
  byInput,
  type ColumnTransforms,
  joined,
  type TransformLists,
  transformLists,
} from './transforms/by-input.js';
import { onBadItem as onBadItemKind } from './transforms/kinds.js';
import { type Form, form, planTransforms } from './transforms/program.js';
import type { OnBadItem } from './transforms/transform.js';

/**
 * A sample of a stream. Each value is a number, an array of all numbers row by row, or a typed array of the declared
 * dtype; of several inputs or targets, a list or a record of values as they are declared.
 */
export interface StreamItem {
  readonly inputs: Structure<StreamValue>;
  readonly target: Structure<StreamValue>;
  /** How much the sample counts, if the stream has weights. */
  readonly weight?: StreamValue;
}

export type StreamValue = number | ArrayLike<number> | NumberArray;

/** The items of an epoch. */
export type StreamSource = AsyncIterable<StreamItem> | Iterable<StreamItem>;

/** Opens the stream for an epoch, counted from 1. */
export type OpenStream = (options: { readonly epoch: number }) => StreamSource | Promise<StreamSource>;

/** Form of one item's input. */
interface InputForm {
  readonly shape: Shape;
  /** Default 'float32'. */
  readonly dtype?: DType;
}

/** Form of one item's target. */
interface TargetForm {
  /** Default: one number. */
  readonly shape?: Shape;
  /** Default 'int32'. */
  readonly dtype?: DType;
}

export interface StreamOptions<
  Inputs extends Structure<InputForm> = InputForm,
  Targets extends Structure<TargetForm> = TargetForm,
> {
  /** Form of one item's inputs, or a list or a record of forms. */
  readonly inputs: Inputs;
  /** Form of one item's target, or a list or a record of forms. Default: int32 labels, one number for each item. */
  readonly targets?: Targets;
  /** True if each item has a `weight` of at least 0, by which it counts; see `fromArrays`. Default false. */
  readonly weights?: boolean;
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

type AnyStreamOptions = StreamOptions<Structure<InputForm>, Structure<TargetForm>>;

const inputForm = optionsOf<InputForm>({ shape: needed(kinds.sampleShape), dtype: kinds.dtype });
const targetForm = optionsOf<TargetForm>({ shape: kinds.sampleShape, dtype: kinds.dtype });

const streamOptions = optionsOf<AnyStreamOptions>({
  inputs: needed(structured(inputForm, 'forms')),
  targets: structured(targetForm, 'forms'),
  weights: kinds.boolean,
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
export class StreamDataset<Inputs = Form, Targets = Form> {
  readonly open: OpenStream;
  /** Form of arriving items. */
  readonly inputs: Inputs;
  readonly targets: Targets;
  readonly weights: Form | undefined;
  readonly transforms: TransformLists;
  /** Forms of items after loading. */
  readonly loaded: {
    readonly inputs: StructureLike<Inputs, Form, Form>;
    readonly targets: StructureLike<Targets, Form, Form>;
    readonly weights?: Form;
  };
  readonly length: number | undefined;
  readonly queue: number;
  readonly onBadItem: OnBadItem;
  /** Forms of arriving items by column, and how they are transformed. */
  readonly source: { readonly columns: Columns<Form>; readonly transforms: ColumnTransforms };

  constructor(open: OpenStream, options: AnyStreamOptions, transforms: TransformLists = [], ...surplus: []) {
    const parameters = { ...streamKinds, transforms: transformLists };
    requireArguments('StreamDataset', parameters, [open, options, transforms, ...surplus]);
    const { inputs, targets = {}, weights = false, length, queue = 16, onBadItem = 'error' } = options;
    this.open = open;
    this.inputs = mapStructure(inputs, inputForm, ({ shape, dtype = 'float32' }): Form => {
      return { shape: [...shape], dtype };
    }) as Inputs;
    this.targets = mapStructure(targets, targetForm, ({ shape = [], dtype = 'int32' }): Form => {
      return { shape: [...shape], dtype };
    }) as Targets;
    this.weights = weights ? { shape: [], dtype: 'float32' } : undefined;
    this.transforms = transforms;
    const columns = columnsOf(this as { [S in Side]: Structure<Form> }, form);
    this.source = { columns, transforms: byColumn(columns, transforms) };
    this.loaded = sidesOf(planTransforms(columns, this.source.transforms).forms) as this['loaded'];
    this.length = length;
    this.queue = queue;
    this.onBadItem = onBadItem;
  }

  /** The same stream, with its items transformed when they are loaded; see `Dataset.transform`. */
  transform(transforms: TransformLists): StreamDataset<Inputs, Targets> {
    const { open, inputs, targets, weights, length, queue, onBadItem } = this;
    const options = {
      inputs: inputs as Structure<Form>,
      targets: targets as Structure<Form>,
      weights: weights !== undefined,
      queue,
      onBadItem,
      ...(length === undefined ? {} : { length }),
    };
    const { columns, transforms: own } = this.source;
    return new StreamDataset(open, options, byInput(columns, joined(own, byColumn(columns, transforms))));
  }
}

/** A stream with any inputs and targets. */
export type AnyStream = StreamDataset<Structure<Form>, Structure<Form>>;

checkMethods(StreamDataset, { transform: { transforms: transformLists } });

/** The forms of items as they are declared. */
type FormsOf<S, Declared> = StructureLike<S, Declared, Form>;

/**
 * Samples from an iterable, such as a database cursor or a file read line by line, trained on while they arrive:
 * `open` is called for each epoch. Items are taken at most `queue` batches ahead of training, and workers read them
 * from shared memory. With `shuffle`, `fit` shuffles only within each half of the queue.
 *
 *     const rows = data.stream(({ epoch }) => readRows(epoch), { inputs: { shape: [28, 28, 1], dtype: 'uint8' } });
 *     for await (const epoch of trainer.fit(rows, { epochs: 3 })) console.log(epoch.loss);
 */
export const stream: StreamFunction = checked(
  'stream',
  streamKinds,
  (open: OpenStream, options: AnyStreamOptions): AnyStream => new StreamDataset(open, options),
) as StreamFunction;

interface StreamFunction {
  <I extends Structure<InputForm>>(
    open: OpenStream,
    options: StreamOptions<I>,
  ): StreamDataset<FormsOf<I, InputForm>, Form>;
  <I extends Structure<InputForm>, T extends Structure<TargetForm>>(
    open: OpenStream,
    options: StreamOptions<I, T>,
  ): StreamDataset<FormsOf<I, InputForm>, FormsOf<T, TargetForm>>;
  (open: OpenStream, options: StreamOptions): StreamDataset;
}
