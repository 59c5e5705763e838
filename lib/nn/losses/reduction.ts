import * as kinds from '../../graph/arguments/kinds.js';
import { optionsOf } from '../../graph/arguments/options.js';
import type { Tensor } from '../../graph/tensor.js';
import { mean } from '../../ops/math/reductions.js';
import { totalOf } from './sums.js';

/** Reduction of the losses of elements or samples: their mean, their sum, or all of them unchanged. */
export type Reduction = 'mean' | 'sum' | 'none';

export interface ReductionOptions {
  /**
   * Default 'mean'. A Trainer also takes 'sum', whose gradient is that of the sum over the whole step, but not 'none'.
   */
  readonly reduction?: Reduction;
}

const reduction = kinds.oneOf('mean', 'sum', 'none');

/** The kinds of `ReductionOptions`. */
export const reductionOptions = optionsOf<ReductionOptions>({ reduction });

/** The named reduction over all elements. The mean of none is NaN, as in PyTorch. */
export function reducer(reduction: Reduction = 'mean'): (losses: Tensor) => Tensor {
  if (reduction === 'none') return (losses) => losses;
  return reduction === 'sum' ? totalOf : (losses) => mean(losses);
}
