import { optional } from '../../graph/arguments/kind.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { invalid } from '../../graph/errors.js';
import { filled } from '../../graph/leaf.js';
import { add, mul } from '../../ops/primitives/elementwise.js';
import * as random from '../../ops/primitives/random.js';
import type { Initialiser } from './initializer.js';
import { made, maker } from './made.js';

/** Sets every element to `value`. */
export const constant = maker(
  'constant',
  { value: kinds.number },
  (value: number): Initialiser => initialiserOf('constant', value),
);

/** All zeros. */
export const zeros: Initialiser = initialiserOf('zeros', 0);

/** All ones. */
export const ones: Initialiser = initialiserOf('ones', 1);

/**
 * Uniform in [low, high).
 *
 * @throws when `low` is greater than `high`, or one of them is not finite
 */
export const uniform = maker(
  'uniform',
  { low: optional(kinds.number), high: optional(kinds.number) },
  (low = 0, high = 1): Initialiser => {
    if (!(low <= high) || !Number.isFinite(high - low)) {
      throw invalid('uniform', 'low and high must be finite, and low at most high', [low, high]);
    }
    return made('uniform', (shape, { dtype, key }) =>
      add(mul(random.uniform(shape, dtype, key), high - low), low),
    );
  },
);

/** Normal with the given mean and standard deviation. */
export const normal = maker(
  'normal',
  { mean: optional(kinds.finite), deviation: optional(kinds.nonNegative) },
  (mean = 0, deviation = 1): Initialiser =>
    made('normal', (shape, { dtype, key }) =>
      add(mul(random.normal(shape, dtype, [key, (key ^ 0x5bd1e995) >>> 0]), deviation), mean),
    ),
);

function initialiserOf(name: string, value: number): Initialiser {
  return made(name, (shape, { dtype }) => filled(shape, value, dtype, name));
}
