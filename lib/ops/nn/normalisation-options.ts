import * as kinds from '../../graph/arguments/kinds.js';
import { optionsOf } from '../../graph/arguments/options.js';

/** Options of `localResponseNorm`: PyTorch's names and defaults. */
export interface LocalResponseNormOptions {
  /** Default 1e-4. */
  readonly alpha?: number;
  /** Default 0.75. */
  readonly beta?: number;
  /** Default 1. */
  readonly k?: number;
}

/** The kinds of `LocalResponseNormOptions`. */
export const localResponseNormOptions = optionsOf<LocalResponseNormOptions>({
  alpha: kinds.finite,
  beta: kinds.finite,
  k: kinds.finite,
});
