import type { TypedArray } from '../graph/dtype.js';
import { sizeOf } from '../graph/shapes.js';
import { addon, type FileHandle } from '../runtime/addon.js';
import { type Columns, mapColumns, of } from './columns.js';
import type { SampleFunctions } from './custom-runner.js';
import { type Field, openRows } from './field.js';
import { type Draws, InputPasses } from './input-passes.js';
import type { TransformPlan } from './transforms/program.js';

/** Destination of loaded samples: an array for each column. */
export type LoadTarget = Columns<TypedArray>;

/** A column as it is read. */
interface Source {
  readonly name: string;
  readonly rows: TypedArray | FileHandle;
  /** Number of elements of a sample. */
  readonly size: number;
  readonly isMapped: boolean;
}

/** Reads samples and passes them through the passes of a plan, with buffers that are reused for each. */
export class RowPipeline {
  /** True if a module transforms samples, one by one. */
  readonly oneByOne: boolean;
  readonly #sources: readonly Source[];
  /** By column, of those that are transformed. */
  readonly #passes: Columns<InputPasses>;
  readonly #index = new Int32Array(1);

  constructor(columns: Columns<Field>, plan: TransformPlan, seed: number, functions: SampleFunctions) {
    this.#sources = Object.entries(columns).map(([name, field]) => ({
      name,
      rows: openRows(field),
      size: sizeOf(field.shape),
      isMapped: field.mapped !== undefined,
    }));
    this.#passes = mapColumns(
      plan.passes,
      (passes, name) => new InputPasses(of(columns, name), passes, seed, functions),
    );
    this.oneByOne = Object.values(this.#passes).some(({ oneByOne }) => oneByOne);
  }

  /** Loads all samples at once; for plans that only the addon runs. */
  loadMany(
    request: Draws & { readonly order: Int32Array },
    { start, count }: { readonly start: number; readonly count: number },
    target: LoadTarget,
  ): void {
    const { order } = request;
    for (const { name, rows, size } of this.#sources) {
      const passes = this.#passes[name];
      if (passes) passes.runMany(rows, { order, start, count }, request, of(target, name));
      else addon().gatherRows(of(target, name), rows, order, start, count, size);
    }
  }

  /** Loads one sample, pass by pass. Throws BadItemError if a module cannot transform it. */
  loadOne(index: number, draws: Draws, target: LoadTarget): void {
    const order = this.#index;
    order[0] = index;
    for (const { name, rows, size } of this.#sources) {
      if (!this.#passes[name]) addon().gatherRows(of(target, name), rows, order, 0, 1, size);
    }
    // Afterwards, as modules see the target, and may change it.
    for (const { name, rows } of this.#sources) {
      this.#passes[name]?.runOne(rows, order, draws, target, of(target, name));
    }
  }

  /** Tells the operating system which rows of files will be loaded next. */
  advise(order: Int32Array, start: number, count: number): void {
    const present = Math.min(count, order.length - start);
    if (present <= 0) return;
    for (const { isMapped, rows, size } of this.#sources) {
      if (isMapped) addon().adviseRows(rows, order, start, present, size);
    }
  }
}
