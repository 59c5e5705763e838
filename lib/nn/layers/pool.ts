import { avgPool2d, maxPool2d, type PoolOptions } from '../../graph/ops/pool.js';
import { type Pair, pair } from '../../graph/ops/window.js';
import type { Tensor } from '../../graph/tensor.js';
import { Module } from '../module.js';

/** The largest value of each window of images [N, H, W, C]. */
export class MaxPool2d extends Module {
  readonly #size: Pair;
  readonly #options: PoolOptions;

  constructor(size: Pair, options: PoolOptions = {}) {
    super();
    this.#size = pair('MaxPool2d', 'size', size, 1);
    this.#options = options;
  }

  forward(x: Tensor): Tensor {
    return maxPool2d(x, this.#size, this.#options);
  }
}

/** The mean of each window of images [N, H, W, C]; padding counts as zeros. */
export class AvgPool2d extends Module {
  readonly #size: Pair;
  readonly #options: PoolOptions;

  constructor(size: Pair, options: PoolOptions = {}) {
    super();
    this.#size = pair('AvgPool2d', 'size', size, 1);
    this.#options = options;
  }

  forward(x: Tensor): Tensor {
    return avgPool2d(x, this.#size, this.#options);
  }
}
