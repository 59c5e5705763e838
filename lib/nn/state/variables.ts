import type { Buffer } from '../buffer.js';
import type { Parameter } from '../parameter.js';
import type { Axes } from './axes.js';

/** A parameter or buffer of a model. */
export interface NamedVariable {
  /** Its paths, of which a shared one has several. */
  readonly paths: readonly [string, ...string[]];
  readonly variable: Parameter | Buffer;
  /** The order of its axes in PyTorch, if that differs. */
  readonly pytorch: Axes | undefined;
}
