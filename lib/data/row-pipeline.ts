import { allocate, type TypedArray } from '../graph/dtype.js';
import { seedWords } from '../graph/random.js';
import { sizeOf } from '../graph/shapes.js';
import { addon, type FileHandle } from '../runtime/addon.js';
import { CustomRunner } from './custom-runner.js';
import { type Field, openRows } from './field.js';
import type { SampleFunction } from './transforms/custom.js';
import type { NativeStage, TransformPlan } from './transforms/program.js';

/** Where samples go. */
export interface LoadTarget {
  readonly inputs: TypedArray;
  readonly targets: TypedArray;
}

/** Reads samples and takes them through the stages of a plan, with memory that is used again for each. */
export class RowPipeline {
  /** Whether a module transforms samples, one by one. */
  readonly oneByOne: boolean;
  readonly #rows: { readonly inputs: TypedArray | FileHandle; readonly targets: TypedArray | FileHandle };
  readonly #sizes: { readonly inputs: number; readonly targets: number };
  /** Words of the seed, and the epoch. */
  readonly #key: Uint32Array;
  readonly #scratch: Float32Array;
  /** By stage; null where the addon runs it. */
  readonly #runners: readonly (CustomRunner | null)[];
  /** What each stage but the last gives, for one sample. */
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
    const { stages } = plan;
    this.#rows = { inputs: openRows(inputs), targets: openRows(targets) };
    this.#sizes = { inputs: sizeOf(inputs.shape), targets: sizeOf(targets.shape) };
    this.#key = Uint32Array.of(...seedWords(seed), 0);
    const largest = stages.map((stage) => (stage.kind === 'native' ? stage.largest : 0));
    this.#scratch = new Float32Array(2 * Math.max(0, ...largest));
    this.#runners = stages.map((stage) => {
      if (stage.kind === 'native') return null;
      return new CustomRunner(stage, functions.get(stage.transform.url) as SampleFunction, seed);
    });
    this.oneByOne = this.#runners.some((runner) => runner !== null);
    this.#between = stages.slice(0, -1).map(({ to }) => allocate(to.dtype, sizeOf(to.shape)));
    this.#stored = allocate(inputs.dtype, this.oneByOne ? this.#sizes.inputs : 0);
  }

  /** Loads samples that the addon alone transforms, all at once. */
  loadMany(order: Int32Array, start: number, count: number, epoch: number, target: LoadTarget): void {
    const { inputs, targets } = this.#rows;
    addon.gatherRows(target.targets, targets, order, start, count, this.#sizes.targets);
    const [stage] = this.plan.stages;
    if (stage?.kind === 'native')
      this.#augment(stage, target.inputs, inputs, { order, start, count, gathered: false }, epoch);
    else addon.gatherRows(target.inputs, inputs, order, start, count, this.#sizes.inputs);
  }

  /** Loads one sample, stage by stage. Throws BadItemError when a module cannot transform it. */
  loadOne(index: number, epoch: number, target: LoadTarget): void {
    const order = this.#index;
    order[0] = index;
    const one = { order, start: 0, count: 1 };
    addon.gatherRows(target.targets, this.#rows.targets, order, 0, 1, this.#sizes.targets);
    let current: TypedArray | null = null;
    this.plan.stages.forEach((stage, i) => {
      const output = this.#between[i] ?? target.inputs;
      const runner = this.#runners[i];
      if (stage.kind === 'native') {
        this.#augment(
          stage,
          output,
          current ?? this.#rows.inputs,
          { ...one, gathered: current !== null },
          epoch,
        );
      } else if (runner) {
        runner.run({ index, epoch, inputs: current ?? this.#readStored(), target: target.targets, output });
      }
      current = output;
    });
  }

  /** Tells the system which rows of files will be loaded next. */
  advise(order: Int32Array, start: number, count: number): void {
    const present = Math.min(count, order.length - start);
    if (present <= 0) return;
    for (const name of ['inputs', 'targets'] as const) {
      if (this.source[name].mapped)
        addon.adviseRows(this.#rows[name], order, start, present, this.#sizes[name]);
    }
  }

  #readStored(): TypedArray {
    addon.gatherRows(this.#stored, this.#rows.inputs, this.#index, 0, 1, this.#sizes.inputs);
    return this.#stored;
  }

  #augment(
    { program }: NativeStage,
    output: TypedArray,
    rows: TypedArray | FileHandle,
    { order, start, count, gathered }: { order: Int32Array; start: number; count: number; gathered: boolean },
    epoch: number,
  ): void {
    this.#key[2] = epoch;
    const float32 = output as Float32Array;
    addon.augmentRows(float32, rows, order, start, count, gathered, program, this.#scratch, this.#key);
  }
}
