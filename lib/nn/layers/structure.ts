import { requireArguments, rest } from '../../graph/arguments/checked.js';
import { type Kind, optional } from '../../graph/arguments/kind.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { invalid } from '../../graph/errors.js';
import type { Tensor } from '../../graph/tensor.js';
import { flatten } from '../../ops/primitives/movement.js';
import { module, requireTensor } from '../kinds.js';
import { Module } from '../module.js';

/** Joins the axes from `start` to `end` into one; all but the first by default. */
export class Flatten extends Module {
  constructor(
    readonly start = 1,
    readonly end = -1,
    ...surplus: []
  ) {
    const parameters = { start: optional(kinds.axis), end: optional(kinds.axis) };
    requireArguments('Flatten', parameters, [start, end, ...surplus]);
    super();
  }

  forward(x: Tensor): Tensor {
    return flatten(x, this.start, this.end);
  }
}

/** A layer of a chain. Other frameworks take a list of them. */
const layer: Kind<Module> = {
  ...module,
  description: 'modules',
  explain(op, name, value) {
    if (!Array.isArray(value)) return module.explain?.(op, name, value);
    return invalid(op, `${name} must be modules, one by one: write ...layers for a list`, value);
  },
};

/** A chain of modules; their paths are their positions: `0.weight`, `2.weight`. */
export class Sequential extends Module {
  [place: number]: Module;
  readonly #layers: readonly Module[];

  constructor(...layers: readonly Module[]) {
    requireArguments('Sequential', { layers: rest(layer) }, layers);
    super();
    this.#layers = layers;
    // Own fields, so that paths match PyTorch's.
    Object.assign(this, layers);
  }

  forward(x: Tensor): Tensor {
    // Read from the fields, so that a layer may be replaced: `model[2] = new Linear(64, 3)`.
    return this.#layers.reduce(
      (value, _, place) =>
        requireTensor('Sequential', `layer ${place}`, (this[place] as Module).forward(value)),
      x,
    );
  }
}
