import * as kinds from '../graph/arguments/kinds.js';
import { optionsOf } from '../graph/arguments/options.js';
import type { Shape } from '../graph/shapes.js';
import type { Tensor } from '../graph/tensor.js';
import { requireSameShape } from '../nn/losses/checks.js';
import { mean } from '../ops/math/reductions.js';
import { reshape } from '../ops/primitives/movement.js';
import { type Batch, double, weightsFor } from './samples.js';

/** Options of metrics that are taken of each output, where there are several. */
export interface OutputMetricOptions {
  /** The mean of all outputs, or a table of them. Default 'uniform'. */
  readonly average?: 'uniform' | 'none';
}

export const outputMetricOptions = optionsOf<OutputMetricOptions>({
  average: kinds.oneOf('uniform', 'none'),
});

/** Outputs, targets and weights in float64, of one shape. */
export interface Pairs {
  readonly output: Tensor;
  readonly target: Tensor;
  readonly weights: Tensor;
}

/** Outputs and targets of one shape. */
export function pairsOf(op: string, { output, target, weights }: Batch): Pairs {
  const like = requireSameShape(op, output, target);
  return {
    output: double(output),
    target: double(like),
    weights: weightsFor(op, output.shape, weights),
  };
}

/** The number of outputs of a sample: the length of the last axis, if there is one besides that of the samples. */
export function outputsIn(shape: Shape): number {
  return shape.length > 1 ? (shape.at(-1) as number) : 1;
}

/** The pairs of each output in a column. */
export function columnsOf(op: string, batch: Batch): Pairs {
  const { output, target, weights } = pairsOf(op, batch);
  const outputs = outputsIn(output.shape);
  const shape = [output.size / Math.max(1, outputs), outputs];
  return {
    output: reshape(output, shape),
    target: reshape(target, shape),
    weights: reshape(weights, shape),
  };
}

/** The scores of all outputs as one figure. */
export function averaged(scores: Tensor, { average = 'uniform' }: OutputMetricOptions): Tensor {
  return average === 'none' ? scores : mean(scores);
}
