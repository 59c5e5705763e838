import type { TypedArray } from '../graph/dtype.js';
import { ChainruleError, invalid, messageOf } from '../graph/errors.js';
import { sizeOf } from '../graph/shapes.js';
import type { Structure } from '../graph/structure.js';
import { sampleRandom } from './random.js';
import type { SampleFunction } from './transforms/custom.js';
import type { CustomTransform } from './transforms/program.js';
import type { OnBadItem, Transform } from './transforms/transform.js';

/** A sample that cannot be loaded. */
export class BadItemError extends ChainruleError {
  constructor(
    op: string,
    readonly index: number,
    readonly policy: OnBadItem,
    cause: unknown,
  ) {
    const expected = `sample ${index} could not be loaded`;
    const message = `${op}: ${expected}: ${messageOf(cause)}`;
    super(op, expected, message, index, { code: 'ERR_CHAINRULE_BAD_ITEM', cause });
  }
}

/** The functions of modules by URL, whatever targets they expect. */
export type SampleFunctions = ReadonlyMap<string, SampleFunction<Structure<TypedArray>>>;

/** Imports the modules of transforms. */
export async function importFunctions(transforms: readonly Transform[]): Promise<SampleFunctions> {
  const functions = new Map<string, SampleFunction<Structure<TypedArray>>>();
  for (const transform of transforms) {
    if (transform.kind !== 'custom') continue;
    const module = (await import(transform.url)) as { default?: unknown };
    if (typeof module.default !== 'function')
      throw invalid('custom', `${transform.url} must export a function by default`, module.default);
    functions.set(transform.url, module.default as SampleFunction<Structure<TypedArray>>);
  }
  return functions;
}

/** One sample to be transformed by a module. */
export interface CustomCall {
  readonly index: number;
  readonly epoch: number;
  readonly inputs: TypedArray;
  readonly target: Structure<TypedArray>;
  readonly output: TypedArray;
}

/** Calls the function of a module, and checks its result. */
export class CustomRunner {
  readonly #size: number;

  constructor(
    private readonly pass: CustomTransform,
    private readonly transform: SampleFunction<Structure<TypedArray>>,
    private readonly seed: number,
  ) {
    this.#size = sizeOf(pass.to.shape);
  }

  /** @throws BadItemError if the function throws, or returns something else than declared */
  run({ index, epoch, inputs, target, output }: CustomCall): void {
    const { position, transform } = this.pass;
    const op = `custom ${transform.url}`;
    const random = sampleRandom(this.seed, epoch, position, index);
    output.fill(0);
    let result: unknown;
    try {
      result = this.transform({ index, epoch, inputs, target, output, random }, transform.options);
    } catch (cause) {
      throw new BadItemError(op, index, transform.onBadItem, cause);
    }
    if (result === undefined || result === output) return;
    if (result instanceof Promise) throw invalid(op, 'the function must not be asynchronous');
    if (!isNumbers(result) || result.length !== this.#size) {
      const given = isNumbers(result) ? `${result.length} numbers` : typeof result;
      const cause = new Error(`it must give ${this.#size} numbers or nothing, got ${given}`);
      throw new BadItemError(op, index, transform.onBadItem, cause);
    }
    output.set(result);
  }
}

function isNumbers(value: unknown): value is ArrayLike<number> {
  return Array.isArray(value) || (ArrayBuffer.isView(value) && 'length' in value);
}
