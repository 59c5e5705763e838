import { at } from '../graph/at.js';
import { allocate, type TypedArray } from '../graph/dtype.js';
import { failed, invalid, messageOf } from '../graph/errors.js';
import { sizeOf } from '../graph/shapes.js';
import { BadItemError, importFunctions } from './custom-runner.js';
import type { Field } from './field.js';
import { mix, mixWithLabels } from './mixing.js';
import { type LoadTarget, RowPipeline } from './row-pipeline.js';
import type { SampleFunction } from './transforms/custom.js';
import { planTransforms, type TransformPlan } from './transforms/program.js';
import type { Transform } from './transforms/transform.js';

/** Samples and their transforms: plain data that can be sent to threads. */
export interface SampleSource {
  readonly inputs: Field;
  readonly targets: Field;
  readonly transforms: readonly Transform[];
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
  /** The sample before the first row, and the labels of all rows, if samples are mixed. */
  #before: LoadTarget;
  #labels: TypedArray;
  #skipped = 0;

  private constructor(
    private readonly source: SampleSource,
    private readonly seed: number,
    functions: ReadonlyMap<string, SampleFunction>,
  ) {
    const { inputs, targets, transforms } = source;
    this.#plan = planTransforms(inputs, targets, transforms);
    this.#pipeline = new RowPipeline(source, this.#plan, seed, functions);
    this.#before = {
      inputs: new Float32Array(this.#plan.mixup ? sizeOf(this.#plan.inputs.shape) : 0),
      targets: allocate(targets.dtype, sizeOf(targets.shape)),
    };
    this.#labels = allocate(targets.dtype, 0);
  }

  /** Opens the files and imports the modules that samples are read and transformed with. */
  static async open(source: SampleSource, seed: number): Promise<SampleLoader> {
    return new SampleLoader(source, seed, await importFunctions(source.transforms));
  }

  /** As `open`, synchronously, for samples that no module transforms. */
  static openNow(source: SampleSource, seed: number): SampleLoader {
    if (source.transforms.some(({ kind }) => kind === 'custom')) {
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
      const toLabels = this.#plan.targets.dtype !== this.source.targets.dtype;
      const targets = toLabels ? this.#labelsOf(rows.count) : target.targets;
      this.#loadRows(request, { inputs: target.inputs, targets });
      this.#loadBefore(request);
      const draw = {
        seed: this.seed,
        epoch,
        position: mixup.position,
        first: at(order, batch.start) + indexOffset,
      };
      const size = { inputs: sizeOf(this.#plan.inputs.shape), targets: sizeOf(this.#plan.targets.shape) };
      const mixing = { target, before: this.#before, count: rows.count, size };
      if (toLabels) mixWithLabels(mixup.transform, draw, mixing, targets);
      else mix(mixup.transform, draw, mixing);
    }
    this.#pipeline.advise(order, rows.start + batch.count, rows.count);
  }

  #loadRows(request: LoadRequest, target: LoadTarget): void {
    const { rows } = request;
    if (!this.#pipeline.oneByOne) {
      this.#pipeline.loadMany(request, rows, target);
      return;
    }
    const width = { inputs: sizeOf(this.#plan.inputs.shape), targets: sizeOf(this.source.targets.shape) };
    let skipped = 0;
    for (let i = 0; i < rows.count; i++) {
      const row = {
        inputs: target.inputs.subarray(i * width.inputs, (i + 1) * width.inputs),
        targets: target.targets.subarray(i * width.targets, (i + 1) * width.targets),
      };
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
    if (this.#labels.length < count) this.#labels = allocate(this.source.targets.dtype, count);
    return this.#labels;
  }
}
