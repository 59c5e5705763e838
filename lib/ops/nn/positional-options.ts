import * as kinds from '../../graph/arguments/kinds.js';
import { optionsOf } from '../../graph/arguments/options.js';

/** Options of `rotaryEmbedding`. */
export interface RotaryOptions {
  /** Default 10000. */
  readonly base?: number;
  /** The position of the first row. Default 0. */
  readonly offset?: number;
  /**
   * Pairs neighbouring features, as in the paper; otherwise feature `i` with feature `i + D / 2`, as in GPT-NeoX and
   * LLaMA. Default true.
   */
  readonly interleaved?: boolean;
}

/** The kinds of `RotaryOptions`. */
export const rotaryOptions = optionsOf<RotaryOptions>({
  base: kinds.positive,
  offset: kinds.index,
  interleaved: kinds.boolean,
});
