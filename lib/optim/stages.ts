import * as kinds from '../graph/arguments/kinds.js';
import type { OptionKinds } from '../graph/arguments/options.js';

/** The stages of an optimiser that treat all parameters together, around the rule that updates each. */
export interface Stages {
  /**
   * Steps whose mean gradient makes one update; the parameters stay unchanged in between. Schedules count updates. In a
   * `Trainer` each step weighs as its loss does, by default by the rows of its batch, so that small batches make the step
   * of the whole one. Steps are counted over epochs and calls: an epoch's rest goes on in the next. Default 1.
   */
  readonly accumulate?: number;
  /** Scales the gradients of all parameters so that their joint norm is at most this (Pascanu et al. 2013). */
  readonly clipNorm?: number;
  /** Clamps each gradient element to between minus this and this, after `clipNorm`. */
  readonly clipValue?: number;
  /**
   * Keeps an exponential moving average of the parameters with this decay, such as 0.999 (Polyak & Juditsky 1992). It
   * starts from their values after the first update. `withAverages` lets the parameters hold it temporarily.
   */
  readonly average?: number;
}

/** The kinds of `Stages`. */
export const stageKinds: OptionKinds<Stages> = {
  accumulate: kinds.count,
  clipNorm: kinds.positive,
  clipValue: kinds.positive,
  average: kinds.share,
};
