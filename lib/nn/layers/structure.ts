import { invalid } from '../../graph/errors.js';
import { flatten } from '../../graph/ops/movement.js';
import { dropout } from '../../graph/ops/random.js';
import type { Tensor } from '../../graph/tensor.js';
import { Module } from '../module.js';

/** Joins the axes from `start` to `end` into one; all but the first by default. */
export class Flatten extends Module {
  constructor(
    readonly start = 1,
    readonly end = -1,
  ) {
    super();
  }

  forward(x: Tensor): Tensor {
    return flatten(x, this.start, this.end);
  }
}

/** In training, sets each element to 0 with probability `p` and divides the others by `1 - p`. */
export class Dropout extends Module {
  constructor(readonly p = 0.5) {
    super();
    if (!(p >= 0 && p < 1)) throw invalid('Dropout', 'p must be at least 0 and less than 1', p);
  }

  forward(x: Tensor): Tensor {
    return this.training ? dropout(x, this.p) : x;
  }
}

/** Modules one behind another; their paths are their places: `0.weight`, `2.weight`. */
export class Sequential extends Module {
  readonly [place: number]: Module;
  readonly #layers: readonly Module[];

  constructor(...layers: readonly Module[]) {
    super();
    for (const layer of layers) {
      if (!(layer instanceof Module)) throw invalid('Sequential', 'layers must be modules', layer);
    }
    this.#layers = layers;
    // As fields of their own, so that paths are PyTorch's.
    Object.assign(this, layers);
  }

  forward(x: Tensor): Tensor {
    return this.#layers.reduce((value, layer) => layer.forward(value), x);
  }
}
