import { invalid } from '../../graph/errors.js';
import type { Tensor } from '../../graph/tensor.js';
import { flatten } from '../../ops/primitives/movement.js';
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

/** A chain of modules; their paths are their positions: `0.weight`, `2.weight`. */
export class Sequential extends Module {
  readonly [place: number]: Module;
  readonly #layers: readonly Module[];

  constructor(...layers: readonly Module[]) {
    super();
    for (const layer of layers) {
      if (!(layer instanceof Module)) throw invalid('Sequential', 'layers must be modules', layer);
    }
    this.#layers = layers;
    // Own fields, so that paths match PyTorch's.
    Object.assign(this, layers);
  }

  forward(x: Tensor): Tensor {
    return this.#layers.reduce((value, layer) => layer.forward(value), x);
  }
}
