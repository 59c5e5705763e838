import { requireArguments } from '../../graph/arguments/checked.js';
import { optional } from '../../graph/arguments/kind.js';
import * as kinds from '../../graph/arguments/kinds.js';
import type { Tensor } from '../../graph/tensor.js';
import {
  type GeluOptions,
  geluOptions,
  type SoftplusOptions,
  softplusOptions,
} from '../../ops/nn/activation-options.js';
import { gelu, glu, logSigmoid, mish, silu, softplus, softsign } from '../../ops/nn/smooth-activations.js';
import { logSoftmax, softmax } from '../../ops/nn/softmax.js';
import { sigmoid, tanh } from '../../ops/primitives/elementwise.js';
import { Module } from '../module.js';

export * from './rectifiers.js';

/** The logistic function. */
export class Sigmoid extends Module {
  forward(x: Tensor): Tensor {
    return sigmoid(x);
  }
}

/** The logarithm of the logistic function. */
export class LogSigmoid extends Module {
  forward(x: Tensor): Tensor {
    return logSigmoid(x);
  }
}

/** The hyperbolic tangent. */
export class Tanh extends Module {
  forward(x: Tensor): Tensor {
    return tanh(x);
  }
}

/** `x / (1 + |x|)`. */
export class Softsign extends Module {
  forward(x: Tensor): Tensor {
    return softsign(x);
  }
}

/** `log(1 + e ** (beta * x)) / beta`, and `x` where `beta * x` is above a threshold. */
export class Softplus extends Module {
  constructor(
    readonly options: SoftplusOptions = {},
    ...surplus: []
  ) {
    requireArguments('Softplus', { options: optional(softplusOptions) }, [options, ...surplus]);
    super();
  }

  forward(x: Tensor): Tensor {
    return softplus(x, this.options);
  }
}

/** `x` times the cumulative standard normal distribution at `x`. */
export class GELU extends Module {
  constructor(
    readonly options: GeluOptions = {},
    ...surplus: []
  ) {
    requireArguments('GELU', { options: optional(geluOptions) }, [options, ...surplus]);
    super();
  }

  forward(x: Tensor): Tensor {
    return gelu(x, this.options);
  }
}

/** `x * sigmoid(x)`. */
export class SiLU extends Module {
  forward(x: Tensor): Tensor {
    return silu(x);
  }
}

/** `x * tanh(softplus(x))`. */
export class Mish extends Module {
  forward(x: Tensor): Tensor {
    return mish(x);
  }
}

/** The first half of an axis times the sigmoid of the second; the last axis, the channels, by default. */
export class GLU extends Module {
  constructor(
    readonly axis = -1,
    ...surplus: []
  ) {
    requireArguments('GLU', { axis: optional(kinds.axis) }, [axis, ...surplus]);
    super();
  }

  forward(x: Tensor): Tensor {
    return glu(x, this.axis);
  }
}

/** Softmax on an axis, the last by default. */
export class Softmax extends Module {
  constructor(
    readonly axis = -1,
    ...surplus: []
  ) {
    requireArguments('Softmax', { axis: optional(kinds.axis) }, [axis, ...surplus]);
    super();
  }

  forward(x: Tensor): Tensor {
    return softmax(x, this.axis);
  }
}

/** The logarithm of softmax on an axis, the last by default. */
export class LogSoftmax extends Module {
  constructor(
    readonly axis = -1,
    ...surplus: []
  ) {
    requireArguments('LogSoftmax', { axis: optional(kinds.axis) }, [axis, ...surplus]);
    super();
  }

  forward(x: Tensor): Tensor {
    return logSoftmax(x, this.axis);
  }
}
