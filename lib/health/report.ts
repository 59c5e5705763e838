import type { Shape } from '../graph/shapes.js';
import type { NonFiniteOp } from '../runtime/non-finite.js';

/** The output of one call of a module, and the gradient of the loss with respect to it. */
export interface LayerHealth {
  /** Path of the module in the model; numbered from its second call on: `fc (2)`. */
  readonly path: string;
  /** Class of the module. */
  readonly type: string;
  readonly shape: Shape;
  readonly mean: number;
  readonly std: number;
  /** Root mean square. */
  readonly rms: number;
  /** Share of elements that are 0. */
  readonly zeros: number;
  /** Elements that are NaN or infinite. */
  readonly nonFinite: number;
  /** Euclidean norm of the gradient with respect to the output. */
  readonly gradientNorm: number;
  /** That norm divided by the one at the last layer. Null if no gradient flows back to the layer. */
  readonly gradientRatio: number | null;
}

/** The output of a ReLU, from a module or a function call. */
export interface ReluHealth {
  /** Path of the module that contains it, numbered from its second ReLU on: `conv1`, `(model)`, `(model) (2)`. */
  readonly path: string;
  /** Size of the last axis: channels or features. */
  readonly units: number;
  /** Share of outputs that are 0. */
  readonly zeros: number;
  /** Share of units that are 0 for the whole batch, so that no gradient flows back through them. */
  readonly dead: number;
}

export interface ParameterHealth {
  readonly path: string;
  readonly shape: Shape;
  /** Euclidean norm of the values. */
  readonly norm: number;
  readonly gradientNorm: number;
  /**
   * Norm of the next update divided by that of the values; null if the values are 0, the parameter is frozen, or there
   * is no update.
   */
  readonly updateRatio: number | null;
  /** Elements that are NaN or infinite. */
  readonly nonFinite: { readonly values: number; readonly gradient: number };
  /** True if it is trainable, but the loss does not depend on it. */
  readonly untrained: boolean;
}

export type FindingKind =
  | 'vanishing'
  | 'exploding'
  | 'dead'
  | 'nonFinite'
  | 'untrained'
  | 'staleUpdates'
  | 'largeUpdates';

/** A problem, described in words. */
export interface Finding {
  readonly kind: FindingKind;
  /** Paths of the affected layers or parameters, in the order of the forward pass. */
  readonly layers: readonly string[];
  /** Description of the problem, its location and its remedies. */
  readonly message: string;
}

/** State of a model, its gradients and its next update on one batch. */
export interface HealthReport {
  readonly loss: number;
  /** In the order of the forward pass. */
  readonly layers: readonly LayerHealth[];
  readonly relus: readonly ReluHealth[];
  readonly parameters: readonly ParameterHealth[];
  /** Null if all values are finite. */
  readonly firstNonFinite: NonFiniteOp | null;
  readonly findings: readonly Finding[];
}
