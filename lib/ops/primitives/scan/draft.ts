import type { Tensor } from '../../../graph/tensor.js';

/** A value from outside of a body, and its placeholder inside. */
export interface Bound {
  readonly value: Tensor;
  readonly placeholder: Tensor;
}

/** The parts of a scan. `carries` pair with `next`, their values after a step. */
export interface ScanDraft {
  readonly carries: readonly Bound[];
  readonly next: readonly Tensor[];
  readonly inputs: readonly Bound[];
  readonly captured: readonly Bound[];
  /** Nodes of the body whose values are wanted at every step. */
  readonly outputs: readonly Tensor[];
  readonly length: number;
  readonly reverse: boolean;
}

export interface ScanResult {
  /** The carried values after the last step. */
  readonly carry: readonly Tensor[];
  /** The outputs, stacked on a leading axis. */
  readonly outputs: readonly Tensor[];
}
