import { checkpoint } from '../../autodiff/checkpoint.js';
import { invalid } from '../../graph/errors.js';
import type { Tensor } from '../../graph/tensor.js';
import { Module } from '../module.js';

/**
 * A layer whose intermediate values are computed again for gradients instead of kept: see `checkpoint`. Its inputs and its
 * output are kept. Parameters have the paths of those of a `Residual`: `inner.weight`.
 *
 *     new nn.Sequential(...blocks.map((block) => new nn.Checkpoint(block)))
 */
export class Checkpoint extends Module {
  constructor(readonly inner: Module) {
    super();
    if (!(inner instanceof Module)) throw invalid('Checkpoint', 'inner must be a module', inner);
  }

  /** The inputs and the output of the layer. */
  forward(...inputs: Tensor[]): Tensor {
    return checkpoint((...own: Tensor[]) => this.inner.forward(...own))(...inputs);
  }
}
