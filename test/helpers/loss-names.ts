import { nn } from 'chainrule';
import * as metrics from '#lib/nn/losses/accuracy.js';

/** The public names of all losses: the functions of `nn` with options of their own that are no metrics. */
export const lossNames = Object.entries(nn)
  .filter(([name, value]) => typeof value === 'function' && 'with' in value && !(name in metrics))
  .map(([name]) => name);
