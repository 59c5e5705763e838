import * as kinds from '../../graph/arguments/kinds.js';
import { optionsOf } from '../../graph/arguments/options.js';
import type { DType } from '../../graph/dtype.js';
import { initialiser } from '../init/made.js';
import type { Initialiser } from '../init.js';

/** Options that layers with a weight and a bias share. */
export interface WeightOptions {
  /** True to add a bias. Default true. */
  readonly bias?: boolean;
  /** Initial values of the weight; PyTorch's by default. */
  readonly init?: Initialiser;
  /** Dtype of the parameters. Default float32. */
  readonly dtype?: DType;
}

/** The kinds of `WeightOptions`. */
export const weightOptions = optionsOf<WeightOptions>({
  bias: kinds.boolean,
  init: initialiser,
  dtype: kinds.dtype,
});

/** The options that a layer with a weight has besides those. */
export function ownOptions<T extends object>(options: T & WeightOptions): T {
  const { bias: _bias, init: _init, dtype: _dtype, ...own } = options;
  return own as unknown as T;
}
