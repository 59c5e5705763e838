import { checked } from '../../graph/arguments/checked.js';
import { optional } from '../../graph/arguments/kind.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { at } from '../../graph/at.js';
import { invalid } from '../../graph/errors.js';
import { normaliseAxis } from '../../graph/shapes.js';
import type { Tensor } from '../../graph/tensor.js';
import {
  abs,
  add,
  div,
  erf,
  exp,
  gt,
  log1p,
  minimum,
  mul,
  neg,
  sigmoid,
  tanh,
  where,
} from '../primitives/elementwise.js';
import { floatOnly } from '../primitives/elementwise-record.js';
import { slice } from '../primitives/movement.js';
import {
  type GeluOptions,
  geluOptions,
  type SoftplusOptions,
  softplusOptions,
} from './activation-options.js';

/**
 * `x` times the standard normal distribution function of `x` (Hendrycks & Gimpel 2016), as `torch.nn.GELU`:
 * `x * (1 + erf(x / sqrt(2))) / 2`, or `x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x ** 3))) / 2`.
 */
export const gelu = checked(
  'gelu',
  { x: kinds.tensor, options: optional(geluOptions) },
  (x: Tensor, options: GeluOptions = {}): Tensor => {
    floatOnly('gelu', [x]);
    const { approximate = 'none' } = options;
    if (approximate === 'none') return mul(mul(x, 0.5), add(erf(mul(x, Math.SQRT1_2)), 1));
    const scale = Math.sqrt(2 / Math.PI);
    const inner = mul(x, add(mul(mul(x, x), 0.044715 * scale), scale));
    return mul(mul(x, 0.5), add(tanh(inner), 1));
  },
);

/** `x * sigmoid(x)`, also called swish (Elfwing et al. 2017), as `torch.nn.SiLU`. */
export const silu = checked('silu', { x: kinds.tensor }, (x: Tensor): Tensor => {
  floatOnly('silu', [x]);
  return mul(x, sigmoid(x));
});

/** `x * tanh(softplus(x))` (Misra 2019), as `torch.nn.Mish`. */
export const mish = checked('mish', { x: kinds.tensor }, (x: Tensor): Tensor => {
  floatOnly('mish', [x]);
  // With n = e ** x, tanh(log(1 + n)) is n (n + 2) / (n (n + 2) + 2), which is 1 long before its square overflows.
  const n = exp(minimum(x, 40));
  const product = mul(n, add(n, 2));
  return mul(x, div(product, add(product, 2)));
});

/** The value of `beta * x` above which softplus equals its argument, to the last bit of a float64. */
const LINEAR = 40;

/** `log(1 + e ** (beta * x)) / beta` (Dugas et al. 2001), as `torch.nn.Softplus`; stable for any threshold. */
export const softplus = checked(
  'softplus',
  { x: kinds.tensor, options: optional(softplusOptions) },
  (x: Tensor, options: SoftplusOptions = {}): Tensor => {
    floatOnly('softplus', [x]);
    const { beta = 1, threshold = 20 } = options;
    const scaled = mul(x, beta);
    const linear = gt(scaled, Math.min(threshold, LINEAR));
    // 0 where it is not selected, because 0 times the infinite gradient of an overflow would be NaN.
    return where(linear, x, mul(log1p(exp(where(linear, 0, scaled))), 1 / beta));
  },
);

/** `log(sigmoid(x))`, stable on both sides, as `torch.nn.LogSigmoid`. */
export const logSigmoid = checked('logSigmoid', { x: kinds.tensor }, (x: Tensor): Tensor => {
  floatOnly('logSigmoid', [x]);
  return neg(softplus(neg(x), { threshold: LINEAR }));
});

/** `x / (1 + |x|)` (Bergstra et al. 2009), as `torch.nn.Softsign`. */
export const softsign = checked('softsign', { x: kinds.tensor }, (x: Tensor): Tensor => {
  floatOnly('softsign', [x]);
  return div(x, add(abs(x), 1));
});

/**
 * The gated linear unit: the first half of an axis times the sigmoid of the second (Dauphin et al. 2017), as
 * `torch.nn.GLU`.
 *
 * @param axis an axis of even length; by default the last one, the channels
 */
export const glu = checked(
  'glu',
  { x: kinds.tensor, axis: optional(kinds.axis) },
  (x: Tensor, axis = -1): Tensor => {
    floatOnly('glu', [x]);
    const halved = normaliseAxis('glu', axis, x.ndim);
    const length = at(x.shape, halved);
    if (length % 2 !== 0) throw invalid('glu', `axis ${halved} must have an even length`, length);
    const part = (from: number) =>
      slice(
        x,
        x.shape.map((size, i): [number, number] => (i === halved ? [from, from + length / 2] : [0, size])),
      );
    return mul(part(0), sigmoid(part(length / 2)));
  },
);
