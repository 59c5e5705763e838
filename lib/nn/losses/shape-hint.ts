import { isFloat } from '../../graph/dtype.js';
import { type Shape, sameShape } from '../../graph/shapes.js';
import type { Tensor } from '../../graph/tensor.js';

/** A shape with `ndim` axes, the samples' included. */
const MATRIX = 2;

/**
 * What a user probably meant by an output and a target whose shapes do not fit, to be put behind an error; empty if
 * nothing is likely.
 */
export function shapeHint(output: Tensor, target: Tensor): string {
  if (isColumnOf(output.shape, target.shape)) {
    return '; write the targets as [[y]], a list for each sample, or drop the last axis of the output: squeeze(-1)';
  }
  if (isColumnOf(target.shape, output.shape)) {
    return '; write the targets as [y], a number for each sample';
  }
  if (output.ndim > MATRIX && target.ndim <= MATRIX && output.ndim > target.ndim + 1) {
    return '; is there a Flatten missing in the model, as before its last Linear?';
  }
  const ofClasses = !isFloat(target.dtype) && sameShape(output.shape.slice(0, -1), target.shape);
  return ofClasses ? '; labels of classes suit nn.crossEntropy, or give the targets as oneHot rows' : '';
}

/** As `shapeHint`, for labels and logits with classes on the last axis. */
export function labelHint(logits: Tensor, labels: Tensor): string {
  if (isColumnOf(labels.shape, logits.shape.slice(0, -1))) {
    return '; write the labels as [y], a number for each sample';
  }
  if (sameShape(logits.shape, labels.shape) && !isFloat(labels.dtype)) {
    return "; probabilities for targets must be floats: give the targets dtype 'float32'";
  }
  if (logits.ndim > MATRIX && labels.ndim < logits.ndim - 1) {
    return '; is there a Flatten missing in the model, as before its last Linear?';
  }
  return '';
}

/** True for a shape that has one more axis than the other, of length 1, at its end. */
export function isColumnOf(shape: Shape, other: Shape): boolean {
  return shape.length > 1 && shape.at(-1) === 1 && sameShape(shape.slice(0, -1), other);
}
