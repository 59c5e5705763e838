import { requireArguments } from '../../graph/arguments/checked.js';
import { optional } from '../../graph/arguments/kind.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { optionsOf } from '../../graph/arguments/options.js';
import type { DType } from '../../graph/dtype.js';
import { invalid } from '../../graph/errors.js';
import type { Tensor } from '../../graph/tensor.js';
import { sinusoidalEncoding } from '../../ops/nn/positional.js';
import { add } from '../../ops/primitives/elementwise.js';
import { slice } from '../../ops/primitives/movement.js';
import { initialiser } from '../init/made.js';
import { type Initialiser, normal } from '../init.js';
import { Module } from '../module.js';
import { Parameter } from '../parameter.js';

/** Adds the sines and cosines of the positions to sequences (Vaswani et al. 2017), without parameters. */
export class SinusoidalEncoding extends Module {
  /** [..., T, F] -> the same shape. */
  forward(x: Tensor): Tensor {
    const [length, features] = requireSequence('SinusoidalEncoding', x);
    return add(x, sinusoidalEncoding(length, features, x.dtype));
  }
}

/** Options of `LearnedEncoding`. */
export interface LearnedEncodingOptions {
  /** Initial values. Default: normal with a standard deviation of 0.02, as in BERT and GPT-2. */
  readonly init?: Initialiser;
  /** Dtype of the parameters. Default float32. */
  readonly dtype?: DType;
}

const learnedEncodingOptions = optionsOf<LearnedEncodingOptions>({ init: initialiser, dtype: kinds.dtype });

/** Adds a learned row for each position to sequences (Gehring et al. 2017): `weight` is [maxLength, features]. */
export class LearnedEncoding extends Module {
  readonly weight: Parameter;

  constructor(
    readonly maxLength: number,
    readonly features: number,
    options: LearnedEncodingOptions = {},
    ...surplus: []
  ) {
    const parameters = {
      maxLength: kinds.count,
      features: kinds.count,
      options: optional(learnedEncodingOptions),
    };
    requireArguments('LearnedEncoding', parameters, [maxLength, features, options, ...surplus]);
    super();
    const { init = normal(0, 0.02), dtype = 'float32' } = options;
    this.weight = new Parameter([maxLength, features], { init, dtype });
  }

  /** [..., T, features] -> the same shape; T is at most `maxLength`. */
  forward(x: Tensor): Tensor {
    const [length, features] = requireSequence('LearnedEncoding', x);
    if (length > this.maxLength || features !== this.features) {
      throw invalid(
        'LearnedEncoding',
        `input must be [...,T,${this.features}], T up to ${this.maxLength}`,
        x.shape,
      );
    }
    return add(x, slice(this.weight, [[0, length]]));
  }
}

function requireSequence(op: string, x: Tensor): [length: number, features: number] {
  const [length, features] = x.shape.slice(-2);
  if (length === undefined || features === undefined) throw invalid(op, 'input must be [..., T, F]', x.shape);
  return [length, features];
}
