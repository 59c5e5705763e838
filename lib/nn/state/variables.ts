import type { Buffer } from '../buffer.js';
import type { Parameter } from '../parameter.js';
import type { Axes } from './axes.js';

/** What a tensor of a state is for, with its names. */
export interface Named<V> {
  /** Its paths, of which a shared one has several. */
  readonly paths: readonly [string, ...string[]];
  readonly variable: V;
  /** The order of its axes in PyTorch, if that differs. */
  readonly pytorch: Axes | undefined;
}

/** A parameter or buffer of a model. */
export type NamedVariable = Named<Parameter | Buffer>;
