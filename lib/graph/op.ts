import type { DType } from './dtype.js';
import type { Loop } from './loop.js';
import type { Shape } from './shapes.js';
import type { Tensor } from './tensor.js';

/** The shape and dtype of a node's value, known before it is computed. */
export interface TensorType {
  readonly shape: Shape;
  readonly dtype: DType;
}

/** A strided window on the elements of another value, through which a view reads it without a copy. */
export interface Layout {
  /** In elements from the start of the viewed value. */
  readonly offset: number;
  readonly shape: Shape;
  /** In elements; 0 repeats, negative walks backwards. */
  readonly strides: readonly number[];
}

/** An instruction of the element-wise vector machine. `value` is its immediate operand, if it has one. */
export interface Instruction {
  readonly code: string;
  readonly value?: number;
}

/** A strided copy into a part of the output, as in `pad` and `concat`. */
export interface Part {
  readonly input: number;
  /** The first element of the part on each axis of the output. */
  readonly start: readonly number[];
  /** The distance between its elements on each axis. Default 1. */
  readonly step?: readonly number[];
}

/** A call of a native kernel: its name, its named inputs, and its plain attributes. */
export interface Call {
  readonly kernel: string;
  /** The name of each input in the step, in order. */
  readonly inputs: readonly string[];
  readonly attributes?: Readonly<Record<string, number | boolean | string | readonly number[]>>;
  /** True if the kernel checks what it reads and may stop the run with an error. */
  readonly canFail?: boolean;
  /**
   * True if all shards of a batch wait for each other in this call. Such calls come in the same order in the plans of all
   * shards, and are never repeated.
   */
  readonly allReduces?: true;
  /**
   * How its inputs may be read through strides: any strides; or those of matrices, in which one of the last two is 1; or
   * those of matrices with contiguous rows. Inputs that lie otherwise are made contiguous first, as are all by default.
   */
  readonly strided?: 'any' | 'matrices' | 'rows';
}

/** The rule by which the compiler lowers a node. */
export type Lowering<A> =
  | { readonly family: 'leaf' }
  /** Has the value of its first input, which the compiler substitutes for it. */
  | { readonly family: 'identity' }
  /** `dtype` is that of the result. */
  | { readonly family: 'map'; instruction(attributes: A, dtype: DType): Instruction }
  | {
      readonly family: 'reduce';
      readonly code: 'sum' | 'max' | 'min';
      axes(attributes: A): readonly number[];
    }
  | {
      readonly family: 'view';
      view(input: Layout, node: Tensor<A>): Layout | null;
      /** True if the elements stay the same in the same order, so that only the shape differs. */
      readonly keepsOrder?: true;
    }
  | { readonly family: 'parts'; fill(node: Tensor<A>): number | null; parts(node: Tensor<A>): Part[] }
  | { readonly family: 'call'; call(node: Tensor<A>): Call }
  | { readonly family: 'scan'; loop(node: Tensor<A>): Loop };

/**
 * The gradient of a scalar with respect to each input of a node, given the gradient with respect to its output.
 * `null` for an input that has none. Rules build graph nodes, so their results can be differentiated again.
 */
export type GradRule<A> = {
  // A method's parameters are bivariant, so that a Tensor with any attributes is a Tensor.
  rule(gradient: Tensor, node: Tensor<A>): readonly (Tensor | null)[];
}['rule'];

/** Algebraic laws of an op, by which a graph may be rewritten. */
export interface Laws {
  /** The numbers that, as one of two operands, give the other operand. */
  readonly neutral?: { readonly left?: number; readonly right?: number };
  /** True if the op undoes itself: `f(f(x))` is `x`. */
  readonly involution?: true;
  /** The result for operands that are numbers. */
  fold?(...operands: readonly number[]): number;
  /**
   * For an op that is linear in its second input, its weight: a weight with which the result is multiplied by `scale`, one
   * number for each element of its last axis.
   */
  scaledWeight?(node: Tensor, scale: Tensor): Tensor;
  /**
   * The same for the first input: a weight, and what to add to the result, one number for each element of its last axis,
   * with which `x` gives what `scale * x + shift` gave. Undefined where there are none.
   */
  absorb?(node: Tensor, scale: Tensor, shift: Tensor | undefined): Absorbed | undefined;
  /** The matrices a and b if the node is the product `a^T b`, a sum over their rows; undefined if it is none. */
  factors?(node: Tensor): Factors | undefined;
}

/** The factors of a product `a^T b`: matrices of equal numbers of rows, over which it sums. */
export interface Factors {
  readonly a: Tensor;
  readonly b: Tensor;
}

/** Weights in the order in which a kernel reads them. */
export interface WeightPacking {
  /** The number of elements. */
  readonly elements: number;
  /**
   * Of two calls of one kernel with the same attributes, and weights of one shape: equal names stand for equal packed
   * weights.
   */
  readonly layout: string;
}

/** A weight that has taken up what happened to the input before. */
export interface Absorbed {
  readonly weight: Tensor;
  readonly shift: Tensor | undefined;
}

/** The inputs of a node for several equal shards at once, in the order of the shards. */
export interface Shards {
  readonly count: number;
  /** Rows of a shard. */
  readonly rows: number;
  /** The input if it is the same for all shards, else undefined. */
  common(input: number): Tensor | undefined;
  /** The input of all shards, [count, ...shape]; repeated if it does not depend on the shard. */
  stacked(input: number): Tensor;
}

/** The complete definition of an op. No other code switches on op names. */
export interface OpRecord<A = unknown> {
  readonly kind: string;
  /** Checks the inputs and returns the type of the result. Throws an error that names the op. */
  type(inputs: readonly Tensor[], attributes: A): TensorType;
  /** `null` if the op has no gradient. */
  readonly grad: GradRule<A> | null;
  readonly kernel: Lowering<A>;
  /**
   * The same value, but for rounding, from a weight, the second input, that is packed in the way for which the kernel asks.
   */
  readonly pack?: { packed(node: Tensor<A>, packing: WeightPacking): Tensor }['packed'];
  /**
   * The values [count, ...shape] for several shards at once, bit for bit those of the op for each of them, or one of the
   * node's own shape if it is the same for all; undefined, as by default, if they are to be computed one after another.
   * Element-wise ops and reductions need no rule.
   */
  readonly shards?: { stacked(node: Tensor<A>, shards: Shards): Tensor | undefined }['stacked'];
  /** True if the kernel draws random numbers by the place of a row in the batch, by default never. */
  readonly draws?: { numbers(node: Tensor<A>): boolean }['numbers'];
  /** Default none. */
  readonly laws?: Laws;
  /** Floating-point operations of one evaluation. */
  cost(node: Tensor<A>): number;
}
