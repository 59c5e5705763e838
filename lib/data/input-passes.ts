import { allocate, type TypedArray } from '../graph/dtype.js';
import { seedWords } from '../graph/random.js';
import { sizeOf } from '../graph/shapes.js';
import type { Structure } from '../graph/structure.js';
import { addon, type FileHandle } from '../runtime/addon.js';
import { type Columns, sidesOf } from './columns.js';
import { CustomRunner, type SampleFunctions } from './custom-runner.js';
import type { Field } from './field.js';
import type { SampleFunction } from './transforms/custom.js';
import type { NativeTransforms, Pass } from './transforms/program.js';

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

/** Transforms the samples of one input, with buffers that are reused for each. */
export class InputPasses {
  /** True if a module transforms samples, one by one. */
  readonly oneByOne: boolean;
  readonly #size: number;
  /** Words of the seed, the epoch, and the index offset. */
  readonly #key: Uint32Array;
  readonly #scratch: Float32Array;
  /** By pass; null if the addon runs it. */
  readonly #runners: readonly (CustomRunner | null)[];
  /** Output of each pass but the last, for one sample. */
  readonly #between: readonly TypedArray[];
  readonly #stored: TypedArray;

  constructor(
    { dtype, shape }: Field,
    private readonly passes: readonly Pass[],
    seed: number,
    functions: SampleFunctions,
  ) {
    this.#size = sizeOf(shape);
    this.#key = Uint32Array.of(...seedWords(seed), 0, 0);
    const largest = passes.map((pass) => (pass.kind === 'native' ? pass.largest : 0));
    this.#scratch = new Float32Array(2 * Math.max(0, ...largest));
    this.#runners = passes.map((pass) => {
      if (pass.kind === 'native') return null;
      return new CustomRunner(
        pass,
        functions.get(pass.transform.url) as SampleFunction<Structure<TypedArray>>,
        seed,
      );
    });
    this.oneByOne = this.#runners.some((runner) => runner !== null);
    this.#between = passes.slice(0, -1).map(({ to }) => allocate(to.dtype, sizeOf(to.shape)));
    this.#stored = allocate(dtype, this.oneByOne ? this.#size : 0);
  }

  /** Transforms many samples at once, if the addon alone does so: there is one pass then. */
  runMany(rows: TypedArray | FileHandle, which: IndexedRows, draws: Draws, output: TypedArray): void {
    const [pass] = this.passes;
    if (pass?.kind === 'native') this.#augment(pass, output, rows, which, false, draws);
    else addon().gatherRows(output, rows, which.order, which.start, which.count, this.#size);
  }

  /**
   * Transforms the sample at the only index of an order, pass by pass.
   *
   * @param sample its columns, whose targets are loaded already
   * @throws BadItemError if a module cannot transform it
   */
  runOne(
    rows: TypedArray | FileHandle,
    order: Int32Array,
    draws: Draws,
    sample: Columns<TypedArray>,
    result: TypedArray,
  ): void {
    const { epoch, indexOffset = 0 } = draws;
    const one = { order, start: 0, count: 1 };
    let current: TypedArray | null = null;
    this.passes.forEach((pass, i) => {
      const output = this.#between[i] ?? result;
      const runner = this.#runners[i];
      if (pass.kind === 'native') {
        this.#augment(pass, output, current ?? rows, one, current !== null, draws);
      } else if (runner) {
        const inputs = current ?? this.#readStored(rows, order);
        const { targets } = sidesOf(sample);
        runner.run({ index: (order[0] as number) + indexOffset, epoch, inputs, target: targets, output });
      }
      current = output;
    });
    if (this.passes.length === 0) addon().gatherRows(result, rows, order, 0, 1, this.#size);
  }

  #readStored(rows: TypedArray | FileHandle, order: Int32Array): TypedArray {
    addon().gatherRows(this.#stored, rows, order, 0, 1, this.#size);
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
