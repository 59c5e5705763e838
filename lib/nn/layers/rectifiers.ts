import { requireArguments } from '../../graph/arguments/checked.js';
import { type Kind, kind, optional } from '../../graph/arguments/kind.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { optionsOf } from '../../graph/arguments/options.js';
import type { DType } from '../../graph/dtype.js';
import type { Tensor } from '../../graph/tensor.js';
import { requireRange } from '../../ops/nn/checks.js';
import { celu, elu, hardSigmoid, hardSwish, hardTanh, prelu, relu6, selu } from '../../ops/nn/rectifiers.js';
import { leakyRelu, relu } from '../../ops/primitives/elementwise.js';
import { constant } from '../init.js';
import { requireInputDType } from '../input-dtype.js';
import { Module } from '../module.js';
import { Parameter } from '../parameter.js';

const nonZero: Kind<number> = kind(
  'a finite number other than 0',
  (value) => Number.isFinite(value) && value !== 0,
);

/** `max(x, 0)`. */
export class ReLU extends Module {
  forward(x: Tensor): Tensor {
    return relu(x);
  }
}

/** `min(max(x, 0), 6)`. */
export class ReLU6 extends Module {
  forward(x: Tensor): Tensor {
    return relu6(x);
  }
}

/** `x` where positive, else `slope * x`. */
export class LeakyReLU extends Module {
  constructor(
    readonly slope = 0.01,
    ...surplus: []
  ) {
    requireArguments('LeakyReLU', { slope: optional(kinds.finite) }, [slope, ...surplus]);
    super();
  }

  forward(x: Tensor): Tensor {
    return leakyRelu(x, this.slope);
  }
}

export interface PReLUOptions {
  /** Initial slope. Default 0.25. */
  readonly init?: number;
  /** Dtype of the parameters. Default float32. */
  readonly dtype?: DType;
}

const preluOptions = optionsOf<PReLUOptions>({ init: kinds.finite, dtype: kinds.dtype });

/** `x` where positive, else `weight * x` with learned slopes: one, or one for each channel on the last axis. */
export class PReLU extends Module {
  readonly weight: Parameter;

  /** @param numParameters 1, or the number of channels */
  constructor(numParameters = 1, options: PReLUOptions = {}, ...surplus: []) {
    const parameters = { numParameters: optional(kinds.count), options: optional(preluOptions) };
    requireArguments('PReLU', parameters, [numParameters, options, ...surplus]);
    super();
    const { init = 0.25, dtype = 'float32' } = options;
    this.weight = new Parameter([numParameters], { init: constant(init), dtype });
  }

  forward(x: Tensor): Tensor {
    requireInputDType('PReLU', x, this.weight);
    return prelu(x, this.weight);
  }
}

/** `x` where positive, else `alpha * (e ** x - 1)`. */
export class ELU extends Module {
  constructor(
    readonly alpha = 1,
    ...surplus: []
  ) {
    requireArguments('ELU', { alpha: optional(kinds.finite) }, [alpha, ...surplus]);
    super();
  }

  forward(x: Tensor): Tensor {
    return elu(x, this.alpha);
  }
}

/** `x` where positive, else `alpha * (e ** (x / alpha) - 1)`. */
export class CELU extends Module {
  constructor(
    readonly alpha = 1,
    ...surplus: []
  ) {
    requireArguments('CELU', { alpha: optional(nonZero) }, [alpha, ...surplus]);
    super();
  }

  forward(x: Tensor): Tensor {
    return celu(x, this.alpha);
  }
}

/** The ELU that keeps activations at mean 0 and variance 1; needs weights from `init.lecunNormal`. */
export class SELU extends Module {
  forward(x: Tensor): Tensor {
    return selu(x);
  }
}

/** `x` clamped to [low, high]; by default [-1, 1]. */
export class Hardtanh extends Module {
  constructor(
    readonly low = -1,
    readonly high = 1,
    ...surplus: []
  ) {
    const parameters = { low: optional(kinds.number), high: optional(kinds.number) };
    requireArguments('Hardtanh', parameters, [low, high, ...surplus]);
    super();
    requireRange('Hardtanh', low, high);
  }

  forward(x: Tensor): Tensor {
    return hardTanh(x, this.low, this.high);
  }
}

/** `x / 6 + 1 / 2`, clamped to [0, 1]. */
export class Hardsigmoid extends Module {
  forward(x: Tensor): Tensor {
    return hardSigmoid(x);
  }
}

/** `x * hardSigmoid(x)`. */
export class Hardswish extends Module {
  forward(x: Tensor): Tensor {
    return hardSwish(x);
  }
}
