import { requireArguments, rest } from '../../graph/arguments/checked.js';
import { either, type Kind, optional } from '../../graph/arguments/kind.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { optionsOf } from '../../graph/arguments/options.js';
import { invalid } from '../../graph/errors.js';
import type { Tensor } from '../../graph/tensor.js';
import { flatten, permute } from '../../ops/primitives/movement.js';
import { module, requireTensor } from '../kinds.js';
import { Module } from '../module.js';

/** Options of `Flatten`. */
export interface FlattenOptions {
  /** The first axis to join. Default 1. */
  readonly start?: number;
  /** The last one. Default -1. */
  readonly end?: number;
  /**
   * 'channelsFirst' moves the last axis, the channels, in front of the others that are joined, as they lie in PyTorch: a linear
   * layer that comes next then has PyTorch's columns. Default 'channelsLast', which moves nothing.
   */
  readonly order?: 'channelsLast' | 'channelsFirst';
}

const flattenOptions = optionsOf<FlattenOptions>({
  start: kinds.axis,
  end: kinds.axis,
  order: kinds.oneOf('channelsLast', 'channelsFirst'),
});

/**
 * Joins the axes from `start` to `end` into one; all but the first by default. `new Flatten({ order: 'channelsFirst' })` joins
 * them in PyTorch's order.
 */
export class Flatten extends Module {
  readonly start: number;
  readonly end: number;
  readonly #order: 'channelsLast' | 'channelsFirst';

  constructor(start: number | FlattenOptions = 1, end = -1, ...surplus: []) {
    const parameters = { start: optional(either(kinds.axis, flattenOptions)), end: optional(kinds.axis) };
    requireArguments('Flatten', parameters, [start, end, ...surplus]);
    super();
    const options: FlattenOptions = typeof start === 'number' ? { start, end } : start;
    this.start = options.start ?? 1;
    this.end = options.end ?? -1;
    this.#order = options.order ?? 'channelsLast';
  }

  /** Where the channels stand among the axes that are joined. */
  get order(): 'channelsLast' | 'channelsFirst' {
    return this.#order;
  }

  forward(x: Tensor): Tensor {
    if (this.order === 'channelsLast') return flatten(x, this.start, this.end);
    const [start, end] = [this.start, this.end].map((axis) => (axis < 0 ? axis + x.ndim : axis)) as [
      number,
      number,
    ];
    const axes = Array.from({ length: x.ndim }, (_, axis) => axis);
    axes.splice(start, 0, ...axes.splice(end, 1));
    return flatten(permute(x, axes), this.start, this.end);
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

  /** The layers, by their indices. */
  override namedChildren(): [string, Module][] {
    return super.namedChildren() as [string, Module][];
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
