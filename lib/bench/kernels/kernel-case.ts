import type { Tensor } from '../../index.js';
import type { Values } from '../scenario.js';

/** A kernel, or a few of them that are one function for users, on operands of one shape. */
export interface KernelCase {
  readonly family: string;
  /** What tells it from the others of its family. */
  readonly name: string;
  /** The operands that are given; variables besides them belong to the graph. */
  readonly inputs: readonly Values[];
  /** Builds the outputs, and assigns to variables, as a function given to `compile` does. */
  graph(inputs: readonly Tensor[]): readonly Tensor[];
  /** Floating-point operations of its products of matrices, by their definition; 0 without any. */
  readonly flops: number;
  /** Bytes that it cannot but read and write; by default all of its operands once. */
  readonly bytes?: { readonly read: number; readonly written: number };
  /** The product of matrices that a BLAS can do instead. */
  readonly product?: Product;
  /** The same in PyTorch. */
  readonly peer?: PeerOp;
}

/** A product of [rows, depth] and [depth, columns], of which each may be stored transposed. */
export interface Product {
  readonly rows: number;
  readonly columns: number;
  readonly depth: number;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

/** An op of another library, as `bench/peers/pytorch_kernels.py` knows it. */
export interface PeerOp {
  readonly op: string;
  /** As this library stores them. */
  readonly inputs: readonly Values[];
  /** The places of the operands that are images, [N, H, W, C] here. */
  readonly images?: readonly number[];
  /** The place of the operand that is a convolution's kernel, [KH, KW, C, O] here. */
  readonly kernel?: number;
  /** The places of the operands whose gradients are computed too; the last operand is that of the result. */
  readonly gradients?: readonly number[];
  /** Whatever else the op takes. */
  readonly options?: Readonly<Record<string, unknown>>;
}

/** The name of a case among all. */
export function fullName({ family, name }: KernelCase): string {
  return `${family} ${name}`;
}
