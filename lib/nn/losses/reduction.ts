import * as kinds from '../../graph/arguments/kinds.js';
import { optionsOf } from '../../graph/arguments/options.js';
import { invalid } from '../../graph/errors.js';
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

/** Checks the name of a reduction. */
export function requireReduction(op: string, reduction: Reduction = 'mean'): Reduction {
  if (reduction === 'mean' || reduction === 'sum' || reduction === 'none') return reduction;
  throw invalid(op, "reduction must be 'mean', 'sum' or 'none'", reduction);
}

/** The named reduction over all elements. The mean of none is NaN, as in PyTorch. */
export function reducer(op: string, reduction?: Reduction): (losses: Tensor) => Tensor {
  const name = requireReduction(op, reduction);
  if (name === 'none') return (losses) => losses;
  return name === 'sum' ? totalOf : (losses) => mean(losses);
}
