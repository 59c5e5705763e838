import { requireArguments } from '../../graph/arguments/checked.js';
import { either, optional } from '../../graph/arguments/kind.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { optionsOf } from '../../graph/arguments/options.js';
import type { DType } from '../../graph/dtype.js';
import { invalid } from '../../graph/errors.js';
import type { Tensor } from '../../graph/tensor.js';
import { assign, isSharded, isTracing, pendingValue } from '../../graph/trace.js';
import { batchNorm } from '../../ops/nn/normalisation.js';
import { normalise, ofChannels, ofChannelsOfBatch } from '../../ops/nn/normalise.js';
import { add, div, maximum, mul, sub } from '../../ops/primitives/elementwise.js';
import type { Operand } from '../../ops/primitives/elementwise-record.js';
import { reshape } from '../../ops/primitives/movement.js';
import { Buffer } from '../buffer.js';
import { ones, zeros } from '../init.js';
import { requireInputDType } from '../input-dtype.js';
import { Module } from '../module.js';
import { Parameter } from '../parameter.js';
import { requireLayout } from './layout.js';

/** Options of batch normalisation: PyTorch's names and defaults. */
export interface BatchNormOptions {
  /** Added to the variance. Default 1e-5. */
  readonly eps?: number;
  /** Share of the batch's own statistics in the running ones. Default 0.1; null for the mean over all batches. */
  readonly momentum?: number | null;
  /** True to have a `weight` and a `bias`. Default true. */
  readonly affine?: boolean;
  /** True to keep statistics for inference. Default true; without them inference uses the batch's own. */
  readonly trackRunningStats?: boolean;
  /**
   * What a `Trainer` and `dataParallel` take the statistics of: the whole `batch` of a step, whose shards exchange them,
   * or each `shard` alone. Default 'batch'.
   */
  readonly statistics?: 'batch' | 'shard';
  /** Dtype of the parameters. Default float32. */
  readonly dtype?: DType;
}

const batchNormParameters = {
  numFeatures: kinds.count,
  options: optional(
    optionsOf<BatchNormOptions>({
      eps: kinds.nonNegative,
      momentum: either(kinds.fraction, kinds.none),
      affine: kinds.boolean,
      trackRunningStats: kinds.boolean,
      statistics: kinds.oneOf('batch', 'shard'),
      dtype: kinds.dtype,
    }),
  ),
};

/**
 * Base class of `BatchNorm1d`, `BatchNorm2d` and `BatchNorm3d`: batch normalisation (Ioffe & Szegedy 2015).
 *
 * In training each channel is normalised by the batch's mean and biased variance, and `running_mean` and
 * `running_var` move towards the batch's mean and unbiased variance; inference normalises by these. The running
 * statistics are assigned inside a compiled function or a `Trainer`, for every call in it; a call elsewhere leaves
 * them unchanged.
 *
 * In a `Trainer` and in `dataParallel` the batch is that of a step, into however many shards it is cut. With
 * `statistics: 'shard'`, each shard is normalised by its own statistics, and the running ones are the mean over the shards.
 */
abstract class BatchNorm extends Module {
  readonly weight: Parameter | null;
  readonly bias: Parameter | null;
  readonly running_mean: Buffer | null;
  readonly running_var: Buffer | null;
  /** Number of batches seen, as a float; kept only if the momentum is null. */
  readonly num_batches_tracked: Buffer | null;
  readonly #name: string;
  readonly #layouts: readonly string[];
  readonly #eps: number;
  readonly #momentum: number | null;
  /** What a step on several shards takes the statistics of. */
  readonly statistics: 'batch' | 'shard';

  /** @param layouts axes that an input may have before its channels, as in `N,H,W` */
  protected constructor(
    name: string,
    layouts: readonly string[],
    readonly numFeatures: number,
    options: BatchNormOptions,
    surplus: readonly unknown[],
  ) {
    requireArguments(name, batchNormParameters, [numFeatures, options, ...surplus]);
    super();
    const {
      eps = 1e-5,
      momentum = 0.1,
      affine = true,
      trackRunningStats = true,
      statistics = 'batch',
      dtype = 'float32',
    } = options;
    const shape = [numFeatures];
    this.#name = name;
    this.#layouts = layouts;
    this.#eps = eps;
    this.#momentum = momentum;
    this.statistics = statistics;
    this.weight = affine ? new Parameter(shape, { init: ones, dtype }) : null;
    this.bias = affine ? new Parameter(shape, { init: zeros, dtype }) : null;
    this.running_mean = trackRunningStats ? new Buffer(shape, { dtype }) : null;
    this.running_var = trackRunningStats ? new Buffer(shape, { dtype, value: 1 }) : null;
    this.num_batches_tracked = trackRunningStats && momentum === null ? new Buffer([], { dtype }) : null;
  }

  /** Added to the variance. */
  get eps(): number {
    return this.#eps;
  }

  /** [N, ..., numFeatures] -> the same shape. */
  forward(x: Tensor): Tensor {
    requireLayout(this.#name, x, this.#layouts, this.numFeatures);
    const { weight, bias, running_mean, running_var } = this;
    requireInputDType(this.#name, x, weight ?? running_mean);
    const options = { weight, bias, eps: this.eps };
    if (!this.training && running_mean && running_var) {
      return batchNorm(x, { mean: running_mean, variance: running_var }, options);
    }
    const own = x.size / this.numFeatures;
    const exchanges = this.statistics === 'batch' && isSharded();
    // A shard may have one value if others have more: whole batches are traced beforehand.
    if (own === 1 && !exchanges) {
      throw invalid(this.#name, 'needs more than one value per channel for its statistics', x.shape);
    }
    const statistics = exchanges ? ofChannelsOfBatch(x) : ofChannels(x);
    // An empty batch has no statistics, and leaves the running ones as they are.
    if (this.training && own > 0) {
      const { mean, variance, count } = statistics.moments(x);
      const flat = (value: Tensor) => reshape(value, [this.numFeatures]);
      this.#track(flat(mean), mul(flat(variance), unbiased(count)));
    }
    return normalise(x, statistics, options);
  }

  #track(mean: Tensor, variance: Tensor): void {
    if (!isTracing() || !this.running_mean || !this.running_var) return;
    const share = this.#shareOfBatch();
    const keep = typeof share === 'number' ? 1 - share : sub(1, share);
    const move = (buffer: Buffer, value: Tensor) =>
      assign(buffer, add(mul(pendingValue(buffer), keep), mul(value, share)));
    move(this.running_mean, mean);
    move(this.running_var, variance);
  }

  #shareOfBatch(): Operand {
    const tracked = this.num_batches_tracked;
    if (!tracked) return this.#momentum ?? 0;
    const count = add(pendingValue(tracked), 1);
    assign(tracked, count);
    return div(1, count);
  }
}

/** What the biased variance of so many values is multiplied with to be unbiased: of one, it is 0 either way. */
function unbiased(count: Tensor | number): Operand {
  if (typeof count === 'number') return count / (count - 1);
  const all = reshape(count, []);
  return div(all, maximum(sub(all, 1), 1));
}

/** Batch normalisation of [N, C] or [N, L, C], with `weight`, `bias` and running statistics [C]; see `BatchNorm2d`. */
export class BatchNorm1d extends BatchNorm {
  constructor(numFeatures: number, options: BatchNormOptions = {}, ...surplus: []) {
    super('BatchNorm1d', ['N', 'N,L'], numFeatures, options, surplus);
  }
}

/** Batch normalisation of images [N, H, W, C], with `weight`, `bias` and running statistics [C]. */
export class BatchNorm2d extends BatchNorm {
  constructor(numFeatures: number, options: BatchNormOptions = {}, ...surplus: []) {
    super('BatchNorm2d', ['N,H,W'], numFeatures, options, surplus);
  }
}

/** Batch normalisation of volumes [N, D, H, W, C], with `weight`, `bias` and running statistics [C]. */
export class BatchNorm3d extends BatchNorm {
  constructor(numFeatures: number, options: BatchNormOptions = {}, ...surplus: []) {
    super('BatchNorm3d', ['N,D,H,W'], numFeatures, options, surplus);
  }
}
