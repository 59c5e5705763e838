import type { DType } from '../../graph/dtype.js';
import type { Shape } from '../../graph/shapes.js';
import type { Tensor } from '../../graph/tensor.js';

/** What an initialiser may depend on besides the shape. */
export interface InitContext {
  readonly dtype: DType;
  /** The seed of the model. Draws on the graph take it by themselves. */
  readonly seed: number;
  /** Numbers the random draw; differs for each parameter. */
  readonly key: number;
  /** Inputs that one output sums over. */
  readonly fanIn: number;
  /** Outputs that one input reaches. */
  readonly fanOut: number;
}

/** Gives the first values of a parameter as a graph expression. */
export type Initialiser = (shape: Shape, context: InitContext) => Tensor;

/** Whose variance is kept, by which fan: that of the forward or of the backward pass. */
export type FanMode = 'fanIn' | 'fanOut';
