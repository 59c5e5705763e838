import { type Kind, kind } from '../../graph/arguments/kind.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { optionsOf } from '../../graph/arguments/options.js';

export interface GeluOptions {
  /** 'tanh' replaces the error function, as BERT and GPT-2 do. Default 'none'. */
  readonly approximate?: 'none' | 'tanh';
}

/** The kinds of `GeluOptions`. */
export const geluOptions = optionsOf<GeluOptions>({ approximate: kinds.oneOf('none', 'tanh') });

export interface SoftplusOptions {
  /** Default 1. */
  readonly beta?: number;
  /** Above this value of `beta * x` the result is `x`. Default 20. */
  readonly threshold?: number;
}

const notNaN: Kind<number> = kind('a number', (value) => typeof value === 'number' && !Number.isNaN(value));

/** The kinds of `SoftplusOptions`. */
export const softplusOptions = optionsOf<SoftplusOptions>({ beta: kinds.positive, threshold: notNaN });
