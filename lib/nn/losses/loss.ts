import type { TypedArray } from '../../graph/dtype.js';
import type { Shape } from '../../graph/shapes.js';
import type { Structure } from '../../graph/structure.js';
import type { Tensor } from '../../graph/tensor.js';
import type { ColumnFigure, Figure } from '../figure.js';
import type { Sums } from './sums.js';

/**
 * A function to minimise. A scalar result counts as the mean over the rows of the batch or shard that the function was
 * given. Any other figure returns its sums, `{ sum, weight }`, which are added up over the shards of a step and the
 * batches of a data set before they are divided; without `weight` it is a total, and nothing divides it. The weight must
 * not depend on the parameters.
 *
 *     const loss = (output, target) => ({ sum: nn.mseLoss(output, target, { reduction: 'sum' }), weight: 10 });
 *
 * The mean that a loss of this package returns is known by its sums, also through a function that only prepares its
 * arguments. What is computed from it, such as the sum of two losses, is a scalar as any other: the mean of its rows.
 *
 * The losses of this package take options in two ways: `nn.crossEntropy(output, target, { labelSmoothing: 0.1 })` for
 * one call, and `nn.crossEntropy.with({ labelSmoothing: 0.1 })`, which returns a loss for a Trainer, with its own
 * metrics and its own check of targets. All take `reduction`: 'mean', 'sum' or 'none'.
 *
 * The third argument is the weights of the samples, where a data set has some: the losses of this package then give the
 * weighted mean. A function of your own must take them if there are any, as a parameter without a default.
 */
export interface Loss<
  Result extends Tensor | Sums = Tensor,
  Output extends object = Tensor,
  Target extends object = Tensor,
> {
  (output: Output, target: Target, weights?: WeightsOf<Target>): Result;
  /** Metrics that suit the loss, reported by default. */
  readonly metrics?: Readonly<Record<string, Metric<Tensor | Sums> | Figure | ColumnFigure>>;
  /** Checks all targets at once before training, given the shape of the output for one sample. */
  readonly checkTargets?: TargetCheck;
}

/** A figure to report, as a function of a batch: its mean over the rows, or its sums, as for a `Loss`. */
export type Metric<
  Result extends Tensor | Sums = Tensor,
  Output extends object = Tensor,
  Target extends object = Tensor,
> = (output: Output, target: Target, weights?: WeightsOf<Target>) => Result;

/** The weights of samples: a tensor for all targets, or for several a list or a record of them. */
export type WeightsOf<Target> = Target extends Tensor ? Tensor : Structure<Tensor>;

/** See `Loss.checkTargets`. */
export type TargetCheck = (targets: TypedArray, output: Shape) => void;

/** Inputs of most losses. */
export type OutputAndTarget = [output: Tensor, target: Tensor];
