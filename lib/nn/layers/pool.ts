import { requireArguments } from '../../graph/arguments/checked.js';
import { optional } from '../../graph/arguments/kind.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { optionsOf } from '../../graph/arguments/options.js';
import type { Tensor } from '../../graph/tensor.js';
import { type Extents, extent, type Pair, type Triple } from '../../ops/primitives/images/window.js';
import {
  type AvgPoolOptions,
  avgPoolOptions,
  type MaxPoolOptions,
  maxPoolOptions,
  type PoolOptions,
} from '../../ops/spatial/pool-options.js';
import { poolWindow } from '../../ops/spatial/pool-window.js';
import {
  avgPool1d,
  avgPool2d,
  avgPool3d,
  lpPool1d,
  lpPool2d,
  maxPool1d,
  maxPool2d,
  maxPool3d,
} from '../../ops/spatial/pooling.js';
import { Module } from '../module.js';

type One = number | readonly [number];

const lpParameters = {
  p: kinds.positive,
  size: extent,
  options: optional(optionsOf<Pick<PoolOptions<Extents>, 'stride'>>({ stride: extent })),
};

/** The largest value of each window of sequences [N, L, C]; the first one wins a tie. */
export class MaxPool1d extends Module {
  constructor(
    readonly size: One,
    readonly options: MaxPoolOptions<One> = {},
    ...surplus: []
  ) {
    requireArguments('MaxPool1d', { size: extent, options: optional(maxPoolOptions) }, [
      size,
      options,
      ...surplus,
    ]);
    super();
    poolWindow('MaxPool1d', size, options, 1);
  }

  forward(x: Tensor): Tensor {
    return maxPool1d(x, this.size, this.options);
  }
}

/** The largest value of each window of images [N, H, W, C]; the first one wins a tie. */
export class MaxPool2d extends Module {
  constructor(
    readonly size: Pair,
    readonly options: MaxPoolOptions = {},
    ...surplus: []
  ) {
    requireArguments('MaxPool2d', { size: extent, options: optional(maxPoolOptions) }, [
      size,
      options,
      ...surplus,
    ]);
    super();
    poolWindow('MaxPool2d', size, options, 2);
  }

  forward(x: Tensor): Tensor {
    return maxPool2d(x, this.size, this.options);
  }
}

/** The largest value of each window of volumes [N, D, H, W, C]; the first one wins a tie. */
export class MaxPool3d extends Module {
  constructor(
    readonly size: Triple,
    readonly options: MaxPoolOptions<Triple> = {},
    ...surplus: []
  ) {
    requireArguments('MaxPool3d', { size: extent, options: optional(maxPoolOptions) }, [
      size,
      options,
      ...surplus,
    ]);
    super();
    poolWindow('MaxPool3d', size, options, 3);
  }

  forward(x: Tensor): Tensor {
    return maxPool3d(x, this.size, this.options);
  }
}

/** The mean of each window of sequences [N, L, C]; padding counts as zeros unless `countIncludePad` is false. */
export class AvgPool1d extends Module {
  constructor(
    readonly size: One,
    readonly options: AvgPoolOptions<One> = {},
    ...surplus: []
  ) {
    requireArguments('AvgPool1d', { size: extent, options: optional(avgPoolOptions) }, [
      size,
      options,
      ...surplus,
    ]);
    super();
    poolWindow('AvgPool1d', size, options, 1);
  }

  forward(x: Tensor): Tensor {
    return avgPool1d(x, this.size, this.options);
  }
}

/** The mean of each window of images [N, H, W, C]; padding counts as zeros unless `countIncludePad` is false. */
export class AvgPool2d extends Module {
  constructor(
    readonly size: Pair,
    readonly options: AvgPoolOptions = {},
    ...surplus: []
  ) {
    requireArguments('AvgPool2d', { size: extent, options: optional(avgPoolOptions) }, [
      size,
      options,
      ...surplus,
    ]);
    super();
    poolWindow('AvgPool2d', size, options, 2);
  }

  forward(x: Tensor): Tensor {
    return avgPool2d(x, this.size, this.options);
  }
}

/** The mean of each window of volumes [N, D, H, W, C]; padding counts as zeros unless `countIncludePad` is false. */
export class AvgPool3d extends Module {
  constructor(
    readonly size: Triple,
    readonly options: AvgPoolOptions<Triple> = {},
    ...surplus: []
  ) {
    requireArguments('AvgPool3d', { size: extent, options: optional(avgPoolOptions) }, [
      size,
      options,
      ...surplus,
    ]);
    super();
    poolWindow('AvgPool3d', size, options, 3);
  }

  forward(x: Tensor): Tensor {
    return avgPool3d(x, this.size, this.options);
  }
}

/** The `p`-norm of each window of sequences [N, L, C]: `(sum of x^p)^(1/p)`. */
export class LPPool1d extends Module {
  constructor(
    readonly p: number,
    readonly size: One,
    readonly options: Pick<PoolOptions<One>, 'stride'> = {},
    ...surplus: []
  ) {
    requireArguments('LPPool1d', lpParameters, [p, size, options, ...surplus]);
    super();
    poolWindow('LPPool1d', size, options, 1);
  }

  forward(x: Tensor): Tensor {
    return lpPool1d(x, this.p, this.size, this.options);
  }
}

/** The `p`-norm of each window of images [N, H, W, C]: `(sum of x^p)^(1/p)`. */
export class LPPool2d extends Module {
  constructor(
    readonly p: number,
    readonly size: Pair,
    readonly options: Pick<PoolOptions, 'stride'> = {},
    ...surplus: []
  ) {
    requireArguments('LPPool2d', lpParameters, [p, size, options, ...surplus]);
    super();
    poolWindow('LPPool2d', size, options, 2);
  }

  forward(x: Tensor): Tensor {
    return lpPool2d(x, this.p, this.size, this.options);
  }
}
