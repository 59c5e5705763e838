import type { DType } from '../graph/dtype.js';
import type { Shape } from '../graph/shapes.js';

/** The output of one call of a module, and the gradient of the loss with respect to it. */
export interface LayerHealth {
  /** The module's path in the model; of a module's second call on, with its number: `fc (2)`. */
  readonly path: string;
  /** The module's class. */
  readonly type: string;
  readonly shape: Shape;
  readonly mean: number;
  readonly std: number;
  /** The root of the mean square. */
  readonly rms: number;
  /** The share of elements that are 0. */
  readonly zeros: number;
  /** Elements that are NaN or infinite. */
  readonly nonFinite: number;
  /** The Euclidean norm of the gradient with respect to the output. */
  readonly gradientNorm: number;
  /** That norm over the one at the last layer: what is left on the way back. Null where no gradient flows. */
  readonly gradientRatio: number | null;
}

/** A ReLU on the way, in a module or as a function. */
export interface ReluHealth {
  /** The path of the module that it is in, numbered where there are several: `conv1`, `(model)`, `(model) 2`. */
  readonly path: string;
  /** Channels, features: what the last axis counts. */
  readonly units: number;
  /** The share of outputs that are 0. */
  readonly zeros: number;
  /** The share of units that are 0 for the whole batch, so that nothing flows back through them. */
  readonly dead: number;
}

export interface ParameterHealth {
  readonly path: string;
  readonly shape: Shape;
  /** The Euclidean norm of its values. */
  readonly norm: number;
  readonly gradientNorm: number;
  /**
   * The norm of the next update over that of the values; null where the values are 0, where the parameter is frozen, or
   * where there is no update.
   */
  readonly updateRatio: number | null;
  /** Elements that are NaN or infinite. */
  readonly nonFinite: { readonly values: number; readonly gradient: number };
}

/** The op that made the first value that is not finite, of finite ones. */
export interface NonFiniteOp {
  /** Its kind, as `exp`; `variable` or `constant` for a parameter or input that is not finite itself. */
  readonly op: string;
  readonly shape: Shape;
  readonly dtype: DType;
  /** The layer that it belongs to: a path, `(model)`, `(loss)`, or a parameter's path. */
  readonly layer: string;
  readonly phase: 'forward' | 'backward';
  /** Elements that are NaN or infinite. */
  readonly count: number;
}

export type FindingKind = 'vanishing' | 'exploding' | 'dead' | 'nonFinite' | 'staleUpdates' | 'largeUpdates';

/** Something that is wrong, in words. */
export interface Finding {
  readonly kind: FindingKind;
  /** Paths of the layers or parameters that it is about, in the order of the forward pass. */
  readonly layers: readonly string[];
  /** Says what was found, where, and which remedies exist. */
  readonly message: string;
}

/** How a model, its gradients and its next update look on one batch. */
export interface HealthReport {
  readonly loss: number;
  /** In the order of the forward pass. */
  readonly layers: readonly LayerHealth[];
  readonly relus: readonly ReluHealth[];
  readonly parameters: readonly ParameterHealth[];
  /** Null where all values are finite. */
  readonly firstNonFinite: NonFiniteOp | null;
  readonly findings: readonly Finding[];
}
