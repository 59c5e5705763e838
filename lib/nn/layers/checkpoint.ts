import { checkpoint } from '../../autodiff/checkpoint.js';
import { requireArguments } from '../../graph/arguments/checked.js';
import type { Tensor } from '../../graph/tensor.js';
import { module, requireTensor } from '../kinds.js';
import { Module } from '../module.js';

/**
 * A layer whose intermediate values are recomputed for the gradients instead of kept: see `checkpoint`. Its inputs
 * and its output are kept. Its parameters have the same paths as in a `Residual`: `inner.weight`.
 *
 *     new nn.Sequential(...blocks.map((block) => new nn.Checkpoint(block)))
 */
export class Checkpoint extends Module {
  constructor(
    readonly inner: Module,
    ...surplus: []
  ) {
    requireArguments('Checkpoint', { inner: module }, [inner, ...surplus]);
    super();
  }

  /** The inputs and the output are those of the inner layer. */
  forward(...inputs: Tensor[]): Tensor {
    return checkpoint((...own: Tensor[]) => requireTensor('Checkpoint', 'inner', this.inner.forward(...own)))(
      ...inputs,
    );
  }
}
