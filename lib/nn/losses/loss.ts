import type { TypedArray } from '../../graph/dtype.js';
import type { Shape } from '../../graph/shapes.js';
import type { Tensor } from '../../graph/tensor.js';

/**
 * A function to minimise. Its result is a mean over the samples, with no axes.
 *
 * The losses of this package take options in two ways: `nn.crossEntropy(output, target, { labelSmoothing: 0.1 })` for
 * one call, and `nn.crossEntropy.with({ labelSmoothing: 0.1 })`, which returns a loss for a Trainer, with its own
 * metrics and its own check of targets. All take `reduction`: 'mean', 'sum' or 'none'.
 */
export interface Loss {
  (output: Tensor, target: Tensor): Tensor;
  /** Metrics that suit the loss, reported by default. */
  readonly metrics?: Readonly<Record<string, Metric>>;
  /** Checks all targets at once before training, given the shape of the output for one sample. */
  readonly checkTargets?: TargetCheck;
}

/** A figure to report: a mean over the samples. */
export type Metric = (output: Tensor, target: Tensor) => Tensor;

/** See `Loss.checkTargets`. */
export type TargetCheck = (targets: TypedArray, output: Shape) => void;

/** Inputs of most losses. */
export type OutputAndTarget = [output: Tensor, target: Tensor];
