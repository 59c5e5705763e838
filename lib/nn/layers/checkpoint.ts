import { checkpoint } from '../../autodiff/checkpoint.js';
import { invalid } from '../../graph/errors.js';
import type { Tensor } from '../../graph/tensor.js';
import { Module } from '../module.js';

/**
 * A layer whose intermediate values are recomputed for the gradients instead of kept: see `checkpoint`. Its inputs
 * and its output are kept. Its parameters have the same paths as in a `Residual`: `inner.weight`.
 *
 *     new nn.Sequential(...blocks.map((block) => new nn.Checkpoint(block)))
 */
export class Checkpoint extends Module {
  constructor(readonly inner: Module) {
    super();
    if (!(inner instanceof Module)) throw invalid('Checkpoint', 'inner must be a module', inner);
  }

  /** The inputs and the output are those of the inner layer. */
  forward(...inputs: Tensor[]): Tensor {
    return checkpoint((...own: Tensor[]) => this.inner.forward(...own))(...inputs);
  }
}
