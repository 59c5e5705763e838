import { at } from '../graph/at.js';
import { allocate, type TypedArray } from '../graph/dtype.js';
import { failed, invalid, messageOf } from '../graph/errors.js';
import { sizeOf } from '../graph/shapes.js';
import { arraysOf, type Columns, mapColumns, of, roomFor } from './columns.js';
import { BadItemError, importFunctions, type SampleFunctions } from './custom-runner.js';
import type { Field } from './field.js';
import { type Draw, type Mixed, mix, mixWithLabels } from './mixing.js';
import { type LoadTarget, RowPipeline } from './row-pipeline.js';
import { allOf, type ColumnTransforms } from './transforms/by-input.js';
import { planTransforms, type TransformPlan } from './transforms/program.js';
import type { Mixup } from './transforms/transform.js';

/** Samples and their transforms: plain data that can be sent to threads. */
export interface SampleSource {
  readonly columns: Columns<Field>;
  readonly transforms: ColumnTransforms;
}

/** A range of consecutive positions in the order of an epoch. */
export interface Positions {
  readonly start: number;
  readonly count: number;
}

/** Selection of the samples to load. */
export interface LoadRequest {
  /** Indices of all samples, in the order of the epoch. */
  readonly order: Int32Array;
  /** The whole batch that contains the rows. */
  readonly batch: Positions;
  /** The rows to load, as positions in the order, like the batch. */
  readonly rows: Positions;
  readonly epoch: number;
  /** Added to the index that random numbers and modules use. Default 0. */
  readonly indexOffset?: number;
}

/**
 * Loads samples and transforms them on the way; each thread has its own loader. The result depends only on the
 * source, the seed and the request, not on how a batch is divided among threads.
 */
export class SampleLoader {
  readonly #plan: TransformPlan;
  readonly #pipeline: RowPipeline;
  /** Elements of a sample as the pipeline leaves it, by column. */
  readonly #widths: Columns<number>;
  /** The sample before the first row, and the labels of all rows, if samples are mixed. */
  #before: LoadTarget;
  #labels: TypedArray = new Int32Array(0);
  #skipped = 0;

  private constructor(
    private readonly source: SampleSource,
    private readonly seed: number,
    functions: SampleFunctions,
  ) {
    const { columns, transforms } = source;
    this.#plan = planTransforms(columns, transforms);
    this.#pipeline = new RowPipeline(columns, this.#plan, seed, functions);
    const { mixup, forms, passes } = this.#plan;
    this.#widths = mapColumns(columns, ({ shape }, name) =>
      sizeOf(passes[name] ? of(forms, name).shape : shape),
    );
    this.#before = mixup ? arraysOf(roomFor({ ...columns, inputs: of(forms, 'inputs') }, 1)) : {};
  }

  /** Opens the files and imports the modules that samples are read and transformed with. */
  static async open(source: SampleSource, seed: number): Promise<SampleLoader> {
    return new SampleLoader(source, seed, await importFunctions(allOf(source.transforms)));
  }

  /** As `open`, synchronously, for samples that no module transforms. */
  static openNow(source: SampleSource, seed: number): SampleLoader {
    if (allOf(source.transforms).some(({ kind }) => kind === 'custom')) {
      throw invalid('custom', 'a module must be imported first; take the batches with for await');
    }
    return new SampleLoader(source, seed, new Map());
  }

  /** Number of requested rows so far that could not be loaded and were left out. */
  get skipped(): number {
    return this.#skipped;
  }

  /** Loads samples into arrays, which must have room for them. */
  load(request: LoadRequest, target: LoadTarget): void {
    const { order, batch, rows, epoch, indexOffset = 0 } = request;
    const { mixup } = this.#plan;
    if (!mixup) this.#loadRows(request, target);
    else if (rows.count > 0) {
      const draw = {
        seed: this.seed,
        epoch,
        position: mixup.position,
        first: at(order, batch.start) + indexOffset,
      };
      this.#loadMixed(request, mixup.transform, draw, target);
    }
    this.#pipeline.advise(order, rows.start + batch.count, rows.count);
  }

  #loadMixed(request: LoadRequest, transform: Mixup, draw: Draw, target: LoadTarget): void {
    const { columns } = this.source;
    const { forms } = this.#plan;
    const toLabels = of(forms, 'targets').dtype !== of(columns, 'targets').dtype;
    const { count } = request.rows;
    const targets = toLabels ? this.#labelsOf(count) : of(target, 'targets');
    this.#loadRows(request, { ...target, targets });
    this.#loadBefore(request);
    const size = { inputs: sizeOf(of(forms, 'inputs').shape), targets: sizeOf(of(forms, 'targets').shape) };
    const mixing = { target: ofOne(target), before: ofOne(this.#before), count, size };
    if (toLabels) mixWithLabels(transform, draw, mixing, targets);
    else mix(transform, draw, mixing);
  }

  #loadRows(request: LoadRequest, target: LoadTarget): void {
    const { rows } = request;
    if (!this.#pipeline.oneByOne) {
      this.#pipeline.loadMany(request, rows, target);
      return;
    }
    let skipped = 0;
    for (let i = 0; i < rows.count; i++) {
      const row = mapColumns(target, (array, name) => {
        const width = of(this.#widths, name);
        return array.subarray(i * width, (i + 1) * width);
      });
      if (this.#loadOrStandIn(request, rows.start + i, row) > 0) skipped++;
    }
    this.#skipped += skipped;
  }

  /** Loads the sample before the first row in the batch; before the very first it is the last. */
  #loadBefore(request: LoadRequest): void {
    const { batch, rows } = request;
    const position = batch.start + ((rows.start - batch.start - 1 + batch.count) % batch.count);
    if (this.#pipeline.oneByOne) this.#loadOrStandIn(request, position, this.#before);
    else this.#pipeline.loadMany(request, { start: position, count: 1 }, this.#before);
  }

  /**
   * Loads a sample or, if it may be skipped, the next of the batch that can be loaded. Returns the number of
   * failures.
   */
  #loadOrStandIn(request: LoadRequest, position: number, target: LoadTarget): number {
    const { order, batch } = request;
    for (let failures = 0; ; failures++) {
      const place = batch.start + ((position - batch.start + failures) % batch.count);
      try {
        this.#pipeline.loadOne(order[place] as number, request, target);
        return failures;
      } catch (error) {
        if (!(error instanceof BadItemError) || error.policy === 'error') throw error;
        if (failures < batch.count - 1) continue;
        throw failed('ERR_CHAINRULE_BAD_ITEM', error.op, 'no sample of a batch could be loaded', {
          received: messageOf(error),
          cause: error,
        });
      }
    }
  }

  #labelsOf(count: number): TypedArray {
    if (this.#labels.length < count) {
      this.#labels = allocate(of(this.source.columns, 'targets').dtype, count);
    }
    return this.#labels;
  }
}

/** The arrays of samples with one input and one target. */
function ofOne(target: LoadTarget): Mixed {
  return { inputs: of(target, 'inputs'), targets: of(target, 'targets') };
}
