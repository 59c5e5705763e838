import { at } from '../graph/at.js';
import { invalid } from '../graph/errors.js';
import { full, type Variable } from '../graph/leaf.js';
import { reachable, type Tensor } from '../graph/tensor.js';
import type { Trace } from '../graph/trace.js';
import { type FigureKind, isOfTotal, type Sums, sumsOf } from '../nn/losses/sums.js';

/** How the gradients of steps, and of shards, make those of an update. */
export interface GradientShares {
  /** A mean of gradients, equal or by rows; a mean by weights; or a sum. */
  readonly kind: FigureKind;
  /** Given if the kind is 'ratio'. */
  readonly weight?: Tensor;
  /** The loss whose gradients they are, as `grad` returned them; undefined if it is not one alone. */
  readonly loss?: Tensor | undefined;
  /** The sums of that loss, if the weight is theirs. */
  readonly sums?: Sums;
}

/**
 * The shares of gradients that are handed to an optimiser.
 *
 * @param given the option `weight` of `step`
 */
export function sharesOfGradients(
  parameters: readonly Variable[],
  gradients: readonly Tensor[],
  given: number | Tensor | undefined,
  trace: Trace,
): GradientShares {
  const loss = lossOf(parameters, gradients, trace);
  if (given !== undefined) return { kind: 'ratio', weight: asTensor(given), loss };
  const sums = loss && sumsOf(loss);
  if (!sums) return { kind: 'mean', loss };
  if (sums.weight === undefined) return { kind: 'total', loss, sums };
  return { kind: 'ratio', weight: asTensor(sums.weight), loss, sums };
}

function lossOf(
  parameters: readonly Variable[],
  gradients: readonly Tensor[],
  { gradientCalls }: Trace,
): Tensor | undefined {
  const losses = new Set(
    parameters.map((x, i) => {
      const gradient = at(gradients, i);
      const call = gradientCalls.get(gradient);
      return call?.gradients[call.wrt.indexOf(x)] === gradient ? call.loss : undefined;
    }),
  );
  const [loss] = losses;
  return losses.size === 1 ? loss : undefined;
}

function asTensor(weight: number | Tensor): Tensor {
  return typeof weight === 'number' ? full([], weight, 'float64') : weight;
}

/** Checks that gradients that count as those of a mean over rows are not computed from those of a sum. */
export function requireNotOfTotal(op: string, gradients: readonly Tensor[], { gradientCalls }: Trace): void {
  for (const node of reachable(gradients, (one) => gradientCalls.has(one))) {
    const loss = gradientCalls.get(node)?.loss;
    if (!loss || !isOfTotal(loss)) continue;
    const expected =
      "gradients that are computed from those of a sum over rows (reduction: 'sum') depend on the number of shards; hand " +
      'over those of the sum itself, or give the option weight';
    throw invalid(op, expected);
  }
}
