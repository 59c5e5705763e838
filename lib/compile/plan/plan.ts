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
  /** An operation of the vector machine, `constant` or `uniform`. */
  readonly code: string;
  readonly inputs: readonly number[];
  /** The number of a constant, or the key of a uniform's random numbers. */
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

/** Metadata of a step, for messages and profiles. */
export interface StepFacts {
  /** The ops that it computes, such as `add+relu`. */
  readonly label: string;
  /** Floating-point operations of one run. */
  readonly flops: number;
  /** The origin of its op, if origins were traced. */
  readonly origin?: Origin;
  /**
   * Its checkpoint scopes: those that any of its nodes leave, and the innermost one that contains them all. Absent from
   * plans, where recomputation is already resolved.
   */
  readonly scopes?: readonly CheckpointScope[];
  /** True if it recomputes what an earlier step computed. */
  readonly recomputed?: true;
}

export interface MapStep<O = Operand> extends Program<O>, StepFacts {
  readonly kernel: 'map';
}

/** The reduction of a register, and its destination. */
export interface ReducedRegister<O = Operand> {
  readonly code: 'sum' | 'max' | 'min';
  readonly result: number;
  readonly output: O;
}

/** A program with registers that, viewed as [A, R, B], are reduced over R in the same pass. */
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

/** A kernel with named operands and plain attributes: a matrix product, a convolution, a pooling, a lookup. */
export interface CallStep<O = Operand> extends StepFacts {
  readonly kernel: 'call';
  readonly name: string;
  readonly inputs: Readonly<Record<string, O>>;
  readonly output: O;
  /** As uint8. */
  readonly workspace?: O;
  /** The method that the kernel chooses, if it has several. */
  readonly method?: string;
  readonly attributes: Readonly<Record<string, number | boolean | string | readonly number[]>>;
  /** True if all shards of a batch wait for each other in it. */
  readonly allReduces?: true;
}

/**
 * Memory of a binding of a loop's body: at step `t` the binding is slot `(t + first) % slots` of the operand, which is
 * contiguous.
 */
export interface LoopBinding<O = Operand> {
  readonly operand: O;
  readonly slots: number;
  readonly first: number;
}

/** Runs the plan of a loop's body once per loop step; with `reverse`, from the last step to the first. */
export interface ScanStep<O = Operand> extends StepFacts {
  readonly kernel: 'scan';
  readonly length: number;
  readonly reverse: boolean;
  readonly body: Plan;
  /** One for each binding of the body. */
  readonly bindings: readonly LoopBinding<O>[];
  /** Number of bindings that are read; the ones after them are written. */
  readonly reads: number;
  /** The arena of the body, as uint8. */
  readonly workspace?: O;
}

export type Step<O = Operand> =
  | MapStep<O>
  | ReduceStep<O>
  | CopyStep<O>
  | FillStep<O>
  | CallStep<O>
  | ScanStep<O>;

/** Memory outside the arena that a plan reads or writes. */
export interface Binding {
  readonly kind: 'input' | 'variable' | 'constant' | 'output';
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly bytes: number;
  /** The value of a constant. */
  readonly data?: TypedArray;
}

/** A byte range of the arena, and the first and last step (both inclusive) that use it. */
export interface Block {
  readonly offset: number;
  readonly bytes: number;
  readonly first: number;
  readonly last: number;
}

/**
 * A compiled graph: kernel calls over one arena, as plain data that can be sent to a worker thread. The same graph
 * gives the same plan.
 */
export interface Plan {
  /** In the order in which a run receives their memory. */
  readonly bindings: readonly Binding[];
  readonly steps: readonly Step[];
  readonly blocks: readonly Block[];
  /** The size of the arena, known before anything runs. */
  readonly arenaBytes: number;
  /** Floating-point operations of one run. */
  readonly flops: number;
  /** The part of `flops` spent on recomputation to save memory. */
  readonly recomputedFlops: number;
}

/** A step in which all shards of a batch wait for each other. */
export type AllReduceStep = CallStep & { readonly allReduces: true };

/** The all-reduces of a plan, in their order. */
export function allReducesOf({ steps }: Plan): AllReduceStep[] {
  return steps.filter((step): step is AllReduceStep => step.kernel === 'call' && step.allReduces === true);
}
