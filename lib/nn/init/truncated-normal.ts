import { optional } from '../../graph/arguments/kind.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { invalid } from '../../graph/errors.js';
import { drawUniform } from './draw.js';
import type { Initialiser } from './initializer.js';
import { made, maker } from './made.js';
import { written } from './matrix.js';
import { normalQuantile, normalShare } from './normal-distribution.js';

/**
 * Normal with the given mean and standard deviation, truncated to [low, high], as `torch.nn.init.trunc_normal_`: by
 * the inverse of the distribution function, so that nothing is drawn twice.
 *
 * @param low smallest value, with `high` the largest; by default -2 and 2, whatever the deviation
 * @throws if `low` is not less than `high`, or both lie more than 37 deviations to one side of the mean
 */
export const truncatedNormal = maker(
  'truncatedNormal',
  {
    mean: optional(kinds.finite),
    deviation: optional(kinds.positive),
    low: optional(kinds.number),
    high: optional(kinds.number),
  },
  (mean = 0, deviation = 1, low = -2, high = 2): Initialiser => {
    if (!(low < high)) throw invalid('truncatedNormal', 'low must be less than high', [low, high]);
    const bounds = [(low - mean) / deviation, (high - mean) / deviation] as const;
    // Shares in the lower tail keep all their digits; those in the upper tail are almost 1.
    const mirrored = bounds[0] > 0;
    const [first, last] = mirrored ? [-bounds[1], -bounds[0]] : bounds;
    const [from, to] = [normalShare(first), normalShare(last)];
    if (!(to > from)) {
      throw invalid('truncatedNormal', 'low and high must not both be far off the mean', [low, high]);
    }
    const scale = mirrored ? -deviation : deviation;
    return made('truncatedNormal', (shape, context) =>
      written(shape, context, (data) => {
        const count = shape.reduce((a, b) => a * b, 1);
        drawUniform(count, context).forEach((u, i) => {
          const value = mean + scale * normalQuantile(from + (to - from) * u);
          data[i] = Math.min(high, Math.max(low, value));
        });
      }),
    );
  },
);
