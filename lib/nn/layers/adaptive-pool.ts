import { requireArguments } from '../../graph/arguments/checked.js';
import type { Tensor } from '../../graph/tensor.js';
import { extent, extents, type Pair } from '../../ops/primitives/images/window.js';
import {
  adaptiveAvgPool1d,
  adaptiveAvgPool2d,
  adaptiveMaxPool1d,
  adaptiveMaxPool2d,
  globalAvgPool,
  globalMaxPool,
} from '../../ops/spatial/adaptive-pool.js';
import { Module } from '../module.js';

type One = number | readonly [number];

/** The means of `size` windows that cover sequences [N, L, C] of any length. */
export class AdaptiveAvgPool1d extends Module {
  constructor(
    readonly size: One,
    ...surplus: []
  ) {
    requireArguments('AdaptiveAvgPool1d', { size: extent }, [size, ...surplus]);
    super();
    extents('AdaptiveAvgPool1d', 'size', size, 1, 1);
  }

  forward(x: Tensor): Tensor {
    return adaptiveAvgPool1d(x, this.size);
  }
}

/** The means of `size` windows that cover images [N, H, W, C] of any size. */
export class AdaptiveAvgPool2d extends Module {
  constructor(
    readonly size: Pair,
    ...surplus: []
  ) {
    requireArguments('AdaptiveAvgPool2d', { size: extent }, [size, ...surplus]);
    super();
    extents('AdaptiveAvgPool2d', 'size', size, 2, 1);
  }

  forward(x: Tensor): Tensor {
    return adaptiveAvgPool2d(x, this.size);
  }
}

/** The largest values of `size` windows that cover sequences [N, L, C] of any length. */
export class AdaptiveMaxPool1d extends Module {
  constructor(
    readonly size: One,
    ...surplus: []
  ) {
    requireArguments('AdaptiveMaxPool1d', { size: extent }, [size, ...surplus]);
    super();
    extents('AdaptiveMaxPool1d', 'size', size, 1, 1);
  }

  forward(x: Tensor): Tensor {
    return adaptiveMaxPool1d(x, this.size);
  }
}

/** The largest values of `size` windows that cover images [N, H, W, C] of any size. */
export class AdaptiveMaxPool2d extends Module {
  constructor(
    readonly size: Pair,
    ...surplus: []
  ) {
    requireArguments('AdaptiveMaxPool2d', { size: extent }, [size, ...surplus]);
    super();
    extents('AdaptiveMaxPool2d', 'size', size, 2, 1);
  }

  forward(x: Tensor): Tensor {
    return adaptiveMaxPool2d(x, this.size);
  }
}

/** The mean over all spatial axes: [N, ..., C] -> [N, C]. */
export class GlobalAvgPool extends Module {
  forward(x: Tensor): Tensor {
    return globalAvgPool(x);
  }
}

/** The largest value over all spatial axes: [N, ..., C] -> [N, C]. */
export class GlobalMaxPool extends Module {
  forward(x: Tensor): Tensor {
    return globalMaxPool(x);
  }
}
