import { isFloat, type TypedArray } from '../graph/dtype.js';
import { formatShape, invalid } from '../graph/errors.js';
import { sum } from '../graph/ops/broadcast.js';
import { cast, eq, mul, neg, square, sub } from '../graph/ops/elementwise.js';
import { oneHot } from '../graph/ops/gather.js';
import { argMax, mean } from '../graph/ops/reduce.js';
import { logSoftmax } from '../graph/ops/softmax.js';
import { type Shape, sameShape } from '../graph/shapes.js';
import type { Tensor } from '../graph/tensor.js';

/** A number for each sample set: the lower the better. The result is a mean over the samples, with no axes. */
export interface Loss {
  (output: Tensor, target: Tensor): Tensor;
  /** Quality figures that suit the loss, reported by default. */
  readonly metrics?: Readonly<Record<string, Metric>>;
  /** Checks all targets at once, before training starts, given the shape of the output of one sample. */
  readonly checkTargets?: (targets: TypedArray, output: Shape) => void;
}

/** A figure to report, as a mean over the samples. */
export type Metric = (output: Tensor, target: Tensor) => Tensor;

function requireLabels(op: string, output: Tensor, labels: Tensor): number {
  const classes = output.shape.at(-1);
  if (classes === undefined || output.ndim < 1 || !sameShape(output.shape.slice(0, -1), labels.shape)) {
    const shapes = `${formatShape(output.shape)} and ${formatShape(labels.shape)}`;
    throw invalid(op, `labels must have the shape of the logits without the last axis, got ${shapes}`);
  }
  return classes;
}

function meanCrossEntropy(logits: Tensor, labels: Tensor): Tensor {
  const classes = requireLabels('crossEntropy', logits, labels);
  if (isFloat(labels.dtype)) throw invalid('crossEntropy', 'labels must be int32 or uint8', labels.dtype);
  const picked = mul(logSoftmax(logits), oneHot(labels, classes, logits.dtype, 'crossEntropy'));
  return neg(mean(sum(picked, -1)));
}

/** The share of samples whose largest output is that of the label. */
export function accuracy(output: Tensor, labels: Tensor): Tensor {
  requireLabels('accuracy', output, labels);
  return mean(cast(eq(argMax(output), cast(labels, 'int32')), 'float32'));
}

/**
 * The mean negative log-likelihood of integer labels under the softmax of `logits`.
 *
 * @param logits [..., classes]
 * @param labels [...], int32 or uint8, from 0 to classes - 1; any other label is an error at run time
 */
export const crossEntropy = Object.assign(meanCrossEntropy, {
  metrics: { accuracy },
  checkTargets(targets: TypedArray, output: Shape): void {
    const classes = output.at(-1) as number;
    const at = targets.findIndex((label) => !(label >= 0 && label < classes));
    if (at >= 0) {
      throw invalid('crossEntropy', `label at position ${at} must be from 0 to ${classes - 1}`, targets[at]);
    }
  },
});

/** The mean squared difference over all elements. Both tensors have one shape. */
export const mseLoss: Loss = (output: Tensor, target: Tensor): Tensor => {
  if (!sameShape(output.shape, target.shape)) {
    const shapes = `${formatShape(output.shape)} and ${formatShape(target.shape)}`;
    throw invalid('mseLoss', `output and target must have one shape, got ${shapes}`);
  }
  return mean(square(sub(output, target)));
};
