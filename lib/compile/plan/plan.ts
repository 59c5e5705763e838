import type { DType, TypedArray } from '../../graph/dtype.js';
import type { Origin } from '../../graph/origin.js';
import type { CheckpointScope } from '../../graph/scope.js';

/** A strided window into a buffer: buffer 0 is the arena, buffer `i` is binding `i - 1`. */
export interface Operand {
  readonly buffer: number;
  /** In bytes from the start of the buffer. */
  readonly offset: number;
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** In elements. */
  readonly strides: readonly number[];
}

/** One instruction of a vector program; register `i` holds operand `i`, then each instruction defines the next. */
export interface ProgramInstruction {
  readonly code: string;
  readonly inputs: readonly number[];
  readonly value?: number;
}

/** A fused chain of element-wise ops, run block by block over `shape`. */
export interface Program<O = Operand> {
  readonly compute: 'float32' | 'float64';
  readonly shape: readonly number[];
  readonly operands: readonly O[];
  readonly instructions: readonly ProgramInstruction[];
  /** The register stored to each output. */
  readonly results: readonly number[];
  readonly outputs: readonly O[];
}

/** What a step says of itself besides its work, for messages and profiles. */
export interface StepFacts {
  /** The ops that it computes, as `add+relu`. */
  readonly label: string;
  /** Floating-point operations of one run. */
  readonly flops: number;
  /** Where its op comes from, where that was traced. */
  readonly origin?: Origin;
  /**
   * The checkpointed stretches that it is a part of: those that something of it leaves, and the one that all of it is in.
   * Left out of plans, which are what was made of it.
   */
  readonly scopes?: readonly CheckpointScope[];
  /** Whether it computes again what an earlier step did. */
  readonly recomputed?: true;
}

export interface MapStep<O = Operand> extends Program<O>, StepFacts {
  readonly kernel: 'map';
}

/** What a register is reduced to, and where that goes. */
export interface ReducedRegister<O = Operand> {
  readonly code: 'sum' | 'max' | 'min';
  readonly result: number;
  readonly output: O;
}

/** A program some of whose registers, seen as [A, R, B], are reduced over R in the same pass. */
export interface ReduceStep<O = Operand> extends Program<O>, StepFacts {
  readonly kernel: 'reduce';
  readonly dims: readonly [number, number, number];
  readonly reductions: readonly ReducedRegister<O>[];
}

export interface CopyStep<O = Operand> extends StepFacts {
  readonly kernel: 'copy';
  readonly input: O;
  readonly output: O;
}

export interface FillStep<O = Operand> extends StepFacts {
  readonly kernel: 'fill';
  readonly value: number;
  readonly output: O;
}

/** A kernel with named operands and plain attributes: a product, a convolution, a pooling, a look-up. */
export interface CallStep<O = Operand> extends StepFacts {
  readonly kernel: 'call';
  readonly name: string;
  readonly inputs: Readonly<Record<string, O>>;
  readonly output: O;
  readonly workspace?: O;
  readonly attributes: Readonly<Record<string, number | boolean | string | readonly number[]>>;
}

/**
 * Memory behind a binding of a loop's body: at step `t` the binding is slot `(t + first) % slots` of the operand, which
 * lies there in one piece.
 */
export interface LoopBinding<O = Operand> {
  readonly operand: O;
  readonly slots: number;
  readonly first: number;
}

/** Runs a plan of its own for each step of a loop; steps count from the last down in reverse. */
export interface ScanStep<O = Operand> extends StepFacts {
  readonly kernel: 'scan';
  readonly length: number;
  readonly reverse: boolean;
  readonly body: Plan;
  /** One for each binding of the body. */
  readonly bindings: readonly LoopBinding<O>[];
  /** How many of the bindings are read; the others are written. */
  readonly reads: number;
  /** The arena of the body, in bytes. */
  readonly workspace?: O;
}

export type Step<O = Operand> =
  | MapStep<O>
  | ReduceStep<O>
  | CopyStep<O>
  | FillStep<O>
  | CallStep<O>
  | ScanStep<O>;

/** Memory from outside of the arena that a plan reads or writes, in the order in which a run is given it. */
export interface Binding {
  readonly kind: 'input' | 'variable' | 'constant' | 'output';
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly bytes: number;
  /** The value of a constant. */
  readonly data?: TypedArray;
}

/** A stretch of the arena, and the steps (both included) between which it is taken. */
export interface Block {
  readonly offset: number;
  readonly bytes: number;
  readonly first: number;
  readonly last: number;
}

/**
 * A compiled graph: kernel calls over one arena, as plain data that a worker thread can be sent. The same graph gives
 * the same plan.
 */
export interface Plan {
  readonly bindings: readonly Binding[];
  readonly steps: readonly Step[];
  readonly blocks: readonly Block[];
  /** The size of the arena, known before anything runs. */
  readonly arenaBytes: number;
  /** Floating-point operations of one run. */
  readonly flops: number;
  /** Those of them that compute again what was given up to save memory. */
  readonly recomputedFlops: number;
}
