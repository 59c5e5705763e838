import { requireArguments } from '../../graph/arguments/checked.js';
import { optional } from '../../graph/arguments/kind.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { optionsOf } from '../../graph/arguments/options.js';
import { formatShape, invalid } from '../../graph/errors.js';
import { sameShape } from '../../graph/shapes.js';
import type { Tensor } from '../../graph/tensor.js';
import { add } from '../../ops/primitives/elementwise.js';
import { module, requireTensor } from '../kinds.js';
import { Module } from '../module.js';

/** Returns its input. */
export class Identity extends Module {
  forward(x: Tensor): Tensor {
    return x;
  }
}

/** A function of tensors as a module without parameters, for `Sequential`: `new Lambda((x) => x.mul(2))`. */
export class Lambda extends Module {
  constructor(
    private readonly fn: (...inputs: Tensor[]) => Tensor,
    ...surplus: []
  ) {
    requireArguments('Lambda', { fn: kinds.callback() }, [fn, ...surplus]);
    super();
  }

  forward(...inputs: Tensor[]): Tensor {
    return requireTensor('Lambda', 'the function', this.fn(...inputs));
  }
}

/** Options of `Residual`. */
export interface ResidualOptions {
  /** Module on the input's way around `inner`, for changes of shape. Default: none. */
  readonly shortcut?: Module;
}

const residualOptions = optionsOf<ResidualOptions>({ shortcut: module });

/** `inner(x) + x`, or `inner(x) + shortcut(x)` (He et al. 2016). */
export class Residual extends Module {
  readonly shortcut: Module | null;

  constructor(
    readonly inner: Module,
    options: ResidualOptions = {},
    ...surplus: []
  ) {
    const parameters = { inner: module, options: optional(residualOptions) };
    requireArguments('Residual', parameters, [inner, options, ...surplus]);
    super();
    this.shortcut = options.shortcut ?? null;
  }

  forward(x: Tensor): Tensor {
    const result = requireTensor('Residual', 'inner', this.inner.forward(x));
    const around = this.shortcut ? requireTensor('Residual', 'shortcut', this.shortcut.forward(x)) : x;
    if (sameShape(result.shape, around.shape)) return add(result, around);
    const shapes = `${formatShape(result.shape)} and ${formatShape(around.shape)}`;
    throw invalid('Residual', `inner and shortcut must give one shape, got ${shapes}`);
  }
}
