import { either } from '../graph/arguments/kind.js';
import * as kinds from '../graph/arguments/kinds.js';
import { type Options, optionsOf } from '../graph/arguments/options.js';
import { file, namedTensors } from '../io/kinds.js';
import { type Layout, stateOptions } from '../nn/state/options.js';
import type { State } from '../nn/state/stored-state.js';

/** Options of `compare`. */
export interface CompareOptions {
  /** The weights to compare with, which are loaded into the model: a file, its bytes or a state. Default: those it has. */
  readonly weights?: string | Uint8Array | State;
  /** The order of axes in the recording and in the weights. Default 'pytorch'. */
  readonly layout?: Layout;
  /**
   * A layer departs if its largest difference exceeds this share of the largest recorded magnitude. Default: 1e-4 in
   * float32, 1e-9 in float64, and 1e-2 for what was recorded as a half.
   */
  readonly tolerance?: number;
}

export const compareOptions: Options<CompareOptions> = optionsOf<CompareOptions>({
  weights: either(file, namedTensors),
  layout: stateOptions.kinds.layout,
  tolerance: kinds.positive,
});
