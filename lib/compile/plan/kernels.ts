import type { WeightPacking } from '../../graph/op.js';
import type { CallStep } from './plan.js';
import type { Value } from './values.js';

/** An operation of the vector machine. */
export interface Operation {
  readonly code: string;
  readonly arity: number;
  /** True if its two inputs may change places. */
  readonly commutes: boolean;
  /** The combinations of scalar inputs that it takes: bit `k` is set if input `k` is one element for all. */
  readonly loops: readonly number[];
  /** Set for an operation that computes in one pass what `outer` makes of the result of `inner`. */
  readonly fusion?: Fusion;
}

/** An operation that is a fusion. */
export type FusedOperation = Operation & { readonly fusion: Fusion };

/** Two operations in one pass: the inputs of `inner` stand at the place of the input that its result was. */
export interface Fusion {
  readonly outer: string;
  readonly inner: string;
  readonly place: number;
}

/**
 * What the compiler asks the kernels that are to run its plans. Answers are the same on every processor, but for `packing`.
 * The runtime asks the addon; see `lib/runtime/native-kernels.ts`.
 */
export interface Kernels {
  readonly operations: Operations;
  /** What a call needs to know of its kernel. */
  facts(call: CallStep<Value>): CallFacts;
}

/** What the kernel of a call needs, and how it computes. */
export interface CallFacts {
  readonly workspaceBytes: number;
  /** The method that it chose, if it has several. */
  readonly method?: string;
  /** How it would have its weight packed, if that saves something on this processor. Its plans run on others, too. */
  readonly packing?: WeightPacking;
}

/** The operations of the vector machine by code. */
export class Operations {
  readonly #byCode: ReadonlyMap<string, Operation>;
  readonly #fusions = new Map<string, FusedOperation[]>();

  constructor(all: readonly Operation[]) {
    this.#byCode = new Map(all.map((operation) => [operation.code, operation]));
    for (const operation of all) {
      const { fusion } = operation;
      if (!fusion) continue;
      this.#fusions.set(fusion.outer, [...this.fusionsOf(fusion.outer), { ...operation, fusion }]);
    }
  }

  /** The operation of that code; undefined if there is none. */
  get(code: string): Operation | undefined {
    return this.#byCode.get(code);
  }

  /** The fusions into an operation, of which the first that fits is to be used. */
  fusionsOf(outer: string): readonly FusedOperation[] {
    return this.#fusions.get(outer) ?? [];
  }
}
