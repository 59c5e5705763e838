import type { Graph } from '../../compile/compile.js';
import type { Variable } from '../../graph/leaf.js';
import type { Tensor } from '../../index.js';
import type { Values } from '../scenario.js';

/** A kernel, or a few of them that are one function for users, on operands of one shape. */
export interface KernelCase {
  readonly family: string;
  /** What tells it from the others of its family. */
  readonly name: string;
  /** The operands that are given; variables besides them belong to the graph. */
  readonly inputs: readonly Values[];
  /** Builds the graph on inputs of those shapes. */
  graph(inputs: readonly Tensor[]): KernelGraph;
  /** Floating-point operations of its products of matrices, by their definition; 0 without any. */
  readonly flops: number;
  /** Bytes that it cannot but read and write; by default all of its operands once. */
  readonly bytes?: { readonly read: number; readonly written: number };
  /** The product of matrices that a BLAS can do instead. */
  readonly product?: Product;
  /** The same in PyTorch, as `bench/peers/pytorch_kernels.py` knows it. */
  readonly peer?: PeerOp;
}

/** What a kernel's graph computes. */
export type KernelGraph = Pick<Graph, 'outputs'> & {
  readonly assignments?: ReadonlyMap<Variable, Tensor>;
};

/** A product of [rows, depth] and [depth, columns], of which each may be stored transposed. */
export interface Product {
  readonly rows: number;
  readonly columns: number;
  readonly depth: number;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

/** An op of another library: its name there, the shapes of its operands, and whatever else it takes. */
export interface PeerOp {
  readonly op: string;
  readonly shapes: readonly (readonly number[])[];
  readonly [argument: string]: unknown;
}

/** The name of a case among all. */
export function fullName({ family, name }: KernelCase): string {
  return `${family} ${name}`;
}
