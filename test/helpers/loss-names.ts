import { nn } from 'chainrule';
import * as metrics from '#lib/nn/losses/accuracy.js';

/** The public names of all losses: functions of `nn` that take options by `with`, or are named like a loss, but no metrics. */
export const lossNames = Object.entries(nn)
  .filter(
    ([name, value]) =>
      typeof value === 'function' &&
      ('with' in value || /Loss$|Entropy|Divergence/.test(name)) &&
      !(name in metrics),
  )
  .map(([name]) => name);
