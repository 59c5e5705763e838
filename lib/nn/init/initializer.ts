import type { DType } from '../../graph/dtype.js';
import type { Shape } from '../../graph/shapes.js';
import type { Tensor } from '../../graph/tensor.js';

/** Inputs of an initialiser besides the shape. */
export interface InitContext {
  readonly dtype: DType;
  /** Seed of the model, which random operations of the graph use without being given it. */
  readonly seed: number;
  /** Key of the random draw, different for each parameter. */
  readonly key: number;
  /** Number of inputs that one output sums over. */
  readonly fanIn: number;
  /** Number of outputs that one input reaches. */
  readonly fanOut: number;
}

/** Builds the initial values of a parameter as a graph expression. */
export type Initialiser = (shape: Shape, context: InitContext) => Tensor;

/** The fan to scale by: 'fanIn' keeps the variance of the forward pass, 'fanOut' that of the backward pass. */
export type FanMode = 'fanIn' | 'fanOut';
