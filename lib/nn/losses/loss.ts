import type { TypedArray } from '../../graph/dtype.js';
import type { Shape } from '../../graph/shapes.js';
import type { Tensor } from '../../graph/tensor.js';

/**
 * A number for each sample set: the lower the better. The result is a mean over the samples, with no axes.
 *
 * The losses of this package take options in two ways: `nn.crossEntropy(output, target, { labelSmoothing: 0.1 })` for
 * one call, and `nn.crossEntropy.with({ labelSmoothing: 0.1 })`, which gives a loss for a Trainer, with its own metrics
 * and its own check of targets. All know `reduction`: 'mean', 'sum' or 'none'.
 */
export interface Loss {
  (output: Tensor, target: Tensor): Tensor;
  /** Quality figures that suit the loss, reported by default. */
  readonly metrics?: Readonly<Record<string, Metric>>;
  /** Checks all targets at once, before training starts, given the shape of the output of one sample. */
  readonly checkTargets?: TargetCheck;
}

/** A figure to report, as a mean over the samples. */
export type Metric = (output: Tensor, target: Tensor) => Tensor;

/** See `Loss.checkTargets`. */
export type TargetCheck = (targets: TypedArray, output: Shape) => void;

/** What most losses are functions of. */
export type OutputAndTarget = [output: Tensor, target: Tensor];
