import { requireArguments } from '../../graph/arguments/checked.js';
import * as kinds from '../../graph/arguments/kinds.js';
import type { Tensor } from '../../graph/tensor.js';
import { pixelShuffle, pixelUnshuffle, upsample } from '../../ops/spatial/upsample.js';
import {
  requireUpsampleOptions,
  type UpsampleOptions,
  upsampleOptions,
} from '../../ops/spatial/upsample-options.js';
import { Module } from '../module.js';

/** Resizes the spatial axes of [N, L, C], [N, H, W, C] or [N, D, H, W, C] by a scale or to a size. */
export class Upsample extends Module {
  constructor(
    readonly options: UpsampleOptions,
    ...surplus: []
  ) {
    requireArguments('Upsample', { options: upsampleOptions }, [options, ...surplus]);
    super();
    requireUpsampleOptions('Upsample', options);
  }

  forward(x: Tensor): Tensor {
    return upsample(x, this.options);
  }
}

/** Turns groups of `factor ** 2` channels into pixels: [N, H, W, C * factor ** 2] -> [N, H * factor, W * factor, C]. */
export class PixelShuffle extends Module {
  constructor(
    readonly factor: number,
    ...surplus: []
  ) {
    requireArguments('PixelShuffle', { factor: kinds.count }, [factor, ...surplus]);
    super();
  }

  forward(x: Tensor): Tensor {
    return pixelShuffle(x, this.factor);
  }
}

/** Turns squares of pixels into channels: [N, H, W, C] -> [N, H / factor, W / factor, C * factor ** 2]. */
export class PixelUnshuffle extends Module {
  constructor(
    readonly factor: number,
    ...surplus: []
  ) {
    requireArguments('PixelUnshuffle', { factor: kinds.count }, [factor, ...surplus]);
    super();
  }

  forward(x: Tensor): Tensor {
    return pixelUnshuffle(x, this.factor);
  }
}
