import { allocate, type TypedArray } from '../graph/dtype.js';
import { seedWords } from '../graph/random.js';
import { sizeOf } from '../graph/shapes.js';
import { addon, type FileHandle } from '../runtime/addon.js';
import { CustomRunner } from './custom-runner.js';
import { type Field, openRows } from './field.js';
import type { SampleFunction } from './transforms/custom.js';
import type { NativeTransforms, TransformPlan } from './transforms/program.js';

/** Destination of loaded samples. */
export interface LoadTarget {
  readonly inputs: TypedArray;
  readonly targets: TypedArray;
}

/** Keys of the random numbers besides the seed and the sample. */
export interface Draws {
  readonly epoch: number;
  /** Added to indices. Default 0. */
  readonly indexOffset?: number;
}

/** Rows by index. */
interface IndexedRows {
  readonly order: Int32Array;
  readonly start: number;
  readonly count: number;
}

/** Reads samples and passes them through the passes of a plan, with buffers that are reused for each. */
export class RowPipeline {
  /** True if a module transforms samples, one by one. */
  readonly oneByOne: boolean;
  readonly #rows: { readonly inputs: TypedArray | FileHandle; readonly targets: TypedArray | FileHandle };
  readonly #sizes: { readonly inputs: number; readonly targets: number };
  /** Words of the seed, the epoch, and the index offset. */
  readonly #key: Uint32Array;
  readonly #scratch: Float32Array;
  /** By pass; null if the addon runs it. */
  readonly #runners: readonly (CustomRunner | null)[];
  /** Output of each pass but the last, for one sample. */
  readonly #between: readonly TypedArray[];
  readonly #stored: TypedArray;
  readonly #index = new Int32Array(1);

  constructor(
    private readonly source: { readonly inputs: Field; readonly targets: Field },
    private readonly plan: TransformPlan,
    seed: number,
    functions: ReadonlyMap<string, SampleFunction>,
  ) {
    const { inputs, targets } = source;
    const { passes } = plan;
    this.#rows = { inputs: openRows(inputs), targets: openRows(targets) };
    this.#sizes = { inputs: sizeOf(inputs.shape), targets: sizeOf(targets.shape) };
    this.#key = Uint32Array.of(...seedWords(seed), 0, 0);
    const largest = passes.map((pass) => (pass.kind === 'native' ? pass.largest : 0));
    this.#scratch = new Float32Array(2 * Math.max(0, ...largest));
    this.#runners = passes.map((pass) => {
      if (pass.kind === 'native') return null;
      return new CustomRunner(pass, functions.get(pass.transform.url) as SampleFunction, seed);
    });
    this.oneByOne = this.#runners.some((runner) => runner !== null);
    this.#between = passes.slice(0, -1).map(({ to }) => allocate(to.dtype, sizeOf(to.shape)));
    this.#stored = allocate(inputs.dtype, this.oneByOne ? this.#sizes.inputs : 0);
  }

  /** Loads all samples at once; for plans that only the addon runs. */
  loadMany(
    request: Draws & { readonly order: Int32Array },
    { start, count }: { readonly start: number; readonly count: number },
    target: LoadTarget,
  ): void {
    const { order } = request;
    const { inputs, targets } = this.#rows;
    addon().gatherRows(target.targets, targets, order, start, count, this.#sizes.targets);
    const [pass] = this.plan.passes;
    if (pass?.kind === 'native')
      this.#augment(pass, target.inputs, inputs, { order, start, count }, false, request);
    else addon().gatherRows(target.inputs, inputs, order, start, count, this.#sizes.inputs);
  }

  /** Loads one sample, pass by pass. Throws BadItemError if a module cannot transform it. */
  loadOne(index: number, draws: Draws, target: LoadTarget): void {
    const { epoch, indexOffset = 0 } = draws;
    const order = this.#index;
    order[0] = index;
    const one = { order, start: 0, count: 1 };
    addon().gatherRows(target.targets, this.#rows.targets, order, 0, 1, this.#sizes.targets);
    let current: TypedArray | null = null;
    this.plan.passes.forEach((pass, i) => {
      const output = this.#between[i] ?? target.inputs;
      const runner = this.#runners[i];
      if (pass.kind === 'native') {
        this.#augment(pass, output, current ?? this.#rows.inputs, one, current !== null, draws);
      } else if (runner) {
        const inputs = current ?? this.#readStored();
        runner.run({ index: index + indexOffset, epoch, inputs, target: target.targets, output });
      }
      current = output;
    });
  }

  /** Tells the operating system which rows of files will be loaded next. */
  advise(order: Int32Array, start: number, count: number): void {
    const present = Math.min(count, order.length - start);
    if (present <= 0) return;
    for (const name of ['inputs', 'targets'] as const) {
      if (this.source[name].mapped)
        addon().adviseRows(this.#rows[name], order, start, present, this.#sizes[name]);
    }
  }

  #readStored(): TypedArray {
    addon().gatherRows(this.#stored, this.#rows.inputs, this.#index, 0, 1, this.#sizes.inputs);
    return this.#stored;
  }

  #augment(
    { program }: NativeTransforms,
    output: TypedArray,
    source: TypedArray | FileHandle,
    { order, start, count }: IndexedRows,
    gathered: boolean,
    { epoch, indexOffset = 0 }: Draws,
  ): void {
    this.#key[2] = epoch;
    this.#key[3] = indexOffset;
    const float32 = output as Float32Array;
    addon().augmentRows(float32, source, order, start, count, gathered, program, this.#scratch, this.#key);
  }
}
