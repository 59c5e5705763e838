import { formatShape, invalid, requireOptions } from '../../graph/errors.js';
import { sameShape } from '../../graph/shapes.js';
import type { Tensor } from '../../graph/tensor.js';
import { add } from '../../ops/primitives/elementwise.js';
import { Module } from '../module.js';

/** Returns its input. */
export class Identity extends Module {
  forward(x: Tensor): Tensor {
    return x;
  }
}

/** A function of tensors as a module without parameters, for `Sequential`: `new Lambda((x) => x.mul(2))`. */
export class Lambda extends Module {
  constructor(private readonly fn: (...inputs: Tensor[]) => Tensor) {
    super();
    if (typeof fn !== 'function') throw invalid('Lambda', 'needs a function', fn);
  }

  forward(...inputs: Tensor[]): Tensor {
    return this.fn(...inputs);
  }
}

/** Options of `Residual`. */
export interface ResidualOptions {
  /** Module on the input's way around `inner`, for changes of shape. Default: none. */
  readonly shortcut?: Module;
}

/** `inner(x) + x`, or `inner(x) + shortcut(x)` (He et al. 2016). */
export class Residual extends Module {
  readonly shortcut: Module | null;

  constructor(
    readonly inner: Module,
    options: ResidualOptions = {},
  ) {
    super();
    requireOptions('Residual', options);
    const { shortcut } = options;
    if (!(inner instanceof Module)) throw invalid('Residual', 'inner must be a module', inner);
    if (shortcut !== undefined && !(shortcut instanceof Module)) {
      throw invalid('Residual', 'shortcut must be a module', shortcut);
    }
    this.shortcut = shortcut ?? null;
  }

  forward(x: Tensor): Tensor {
    const result = this.inner.forward(x);
    const around = this.shortcut ? this.shortcut.forward(x) : x;
    if (sameShape(result.shape, around.shape)) return add(result, around);
    const shapes = `${formatShape(result.shape)} and ${formatShape(around.shape)}`;
    throw invalid('Residual', `inner and shortcut must give one shape, got ${shapes}`);
  }
}
