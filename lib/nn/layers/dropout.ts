import { requireArguments } from '../../graph/arguments/checked.js';
import { optional } from '../../graph/arguments/kind.js';
import * as kinds from '../../graph/arguments/kinds.js';
import type { Tensor } from '../../graph/tensor.js';
import { alphaDropout, channelDropout, dropout, dropPath } from '../../ops/nn/dropout.js';
import { Module } from '../module.js';
import { requireLayout } from './layout.js';

/** Base class of layers that drop values in training with probability `p` and are the identity in inference. */
abstract class Drop extends Module {
  protected constructor(
    name: string,
    readonly p: number,
    surplus: readonly unknown[],
  ) {
    requireArguments(name, { p: optional(kinds.share) }, [p, ...surplus]);
    super();
  }

  forward(x: Tensor): Tensor {
    return this.training ? this.drop(x) : x;
  }

  protected abstract drop(x: Tensor): Tensor;
}

/**
 * In training, sets each element to 0 with probability `p` and divides the others by `1 - p` (Srivastava et al.
 * 2014). Default 0.5.
 */
export class Dropout extends Drop {
  constructor(p = 0.5, ...surplus: []) {
    super('Dropout', p, surplus);
  }

  protected drop(x: Tensor): Tensor {
    return dropout(x, this.p);
  }
}

/**
 * In training, sets whole channels of sequences [N, L, C] to 0 with probability `p` and divides the others by `1 -
 * p`.
 */
export class Dropout1d extends Drop {
  constructor(p = 0.5, ...surplus: []) {
    super('Dropout1d', p, surplus);
  }

  protected drop(x: Tensor): Tensor {
    requireLayout('Dropout1d', x, ['N,L'], 'C');
    return channelDropout(x, this.p);
  }
}

/**
 * In training, sets whole channels of images [N, H, W, C] to 0 with probability `p` and divides the others by `1 -
 * p`.
 */
export class Dropout2d extends Drop {
  constructor(p = 0.5, ...surplus: []) {
    super('Dropout2d', p, surplus);
  }

  protected drop(x: Tensor): Tensor {
    requireLayout('Dropout2d', x, ['N,H,W'], 'C');
    return channelDropout(x, this.p);
  }
}

/** In training, dropout that keeps the mean and variance of activations after SELU (Klambauer et al. 2017). */
export class AlphaDropout extends Drop {
  constructor(p = 0.5, ...surplus: []) {
    super('AlphaDropout', p, surplus);
  }

  protected drop(x: Tensor): Tensor {
    return alphaDropout(x, this.p);
  }
}

/**
 * In training, sets whole samples to 0 with probability `p` and divides the others by `1 - p`: stochastic depth
 * (Huang et al. 2016), for the end of the inner branch of a residual block.
 */
export class DropPath extends Drop {
  constructor(p = 0.5, ...surplus: []) {
    super('DropPath', p, surplus);
  }

  protected drop(x: Tensor): Tensor {
    return dropPath(x, this.p);
  }
}
