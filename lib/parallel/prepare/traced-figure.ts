import { formatType, invalid } from '../../graph/errors.js';
import { Tensor } from '../../graph/tensor.js';
import type { Tensors } from '../../nn/model-input.js';
import { cast } from '../../ops/primitives/elementwise.js';
import { reshape } from '../../ops/primitives/movement.js';

/** What a figure makes of one batch, and what becomes of it. */
export interface TracedFigure {
  /** The state after the batch; empty for a figure of columns. */
  readonly state: readonly Tensor[];
  /** What is kept of each of its samples. */
  readonly columns: readonly Tensor[];
  merge(a: readonly Tensor[], b: readonly Tensor[]): readonly Tensor[];
  /** The figure in float64, from the state of all rows and the columns of all samples: a scalar, or a table. */
  result(state: readonly Tensor[], columns: readonly Tensor[]): Tensor;
}

/** A batch of which figures are computed. */
export interface FigureBatch {
  readonly output: Tensors;
  readonly target: Tensors;
  readonly weights: Tensors | undefined;
  readonly rows: number;
}

/** Checks what the function `result` of a figure returned. One number counts as a scalar, whatever its axes. */
export function resultOf(name: string, value: unknown): Tensor {
  if (!(value instanceof Tensor) || value.size === 0) {
    const received = value instanceof Tensor ? formatType(value) : value;
    throw invalid('Trainer', `the result of ${name} must be a tensor that is not empty`, received);
  }
  return cast(value.size === 1 ? reshape(value, []) : value, 'float64');
}
