import * as kinds from '../../graph/arguments/kinds.js';
import { optionsOf } from '../../graph/arguments/options.js';
import { invalid, requireOptions } from '../../graph/errors.js';

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

/** The kinds of `SoftplusOptions`. */
export const softplusOptions = optionsOf<SoftplusOptions>({ beta: kinds.positive, threshold: kinds.number });

/** Checks the options of `gelu`. */
export function requireGelu(op: string, options: GeluOptions): void {
  requireOptions(op, options);
  const { approximate = 'none' } = options;
  if (approximate === 'none' || approximate === 'tanh') return;
  throw invalid(op, "approximate must be 'none' or 'tanh'", approximate);
}

/** Checks the options of `softplus`. */
export function requireSoftplus(op: string, options: SoftplusOptions): void {
  requireOptions(op, options);
  const { beta = 1, threshold = 0 } = options;
  if (!(beta > 0 && Number.isFinite(beta))) {
    throw invalid(op, 'beta must be a finite number greater than 0', beta);
  }
  if (Number.isNaN(threshold)) throw invalid(op, 'threshold must be a number', threshold);
}
