import { requireArguments } from '../../graph/arguments/checked.js';
import { optional } from '../../graph/arguments/kind.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { optionsOf } from '../../graph/arguments/options.js';
import { at } from '../../graph/at.js';
import type { DType } from '../../graph/dtype.js';
import { invalid, requireInteger } from '../../graph/errors.js';
import { arange } from '../../graph/leaf.js';
import type { Tensor } from '../../graph/tensor.js';
import { cast, eq, where } from '../../ops/primitives/elementwise.js';
import { gather } from '../../ops/primitives/gather.js';
import { unsqueeze } from '../../ops/primitives/movement.js';
import { stopGradient } from '../../ops/primitives/stop-gradient.js';
import { initialiser, initialValues } from '../init/made.js';
import { type Initialiser, normal } from '../init.js';
import { Module } from '../module.js';
import { Parameter } from '../parameter.js';

/** Options of `Embedding`. */
export interface EmbeddingOptions {
  /** Index whose row starts as zeros and has no gradient; a negative one counts from the end. */
  readonly paddingIdx?: number;
  /** Initial values of all rows but that of the padding. Default: standard normal. */
  readonly init?: Initialiser;
  /** Dtype of the parameters. Default float32. */
  readonly dtype?: DType;
}

const embeddingOptions = optionsOf<EmbeddingOptions>({
  paddingIdx: kinds.axis,
  init: initialiser,
  dtype: kinds.dtype,
});

/** A table of rows that are looked up by index, as `torch.nn.Embedding`: `weight` is [numEmbeddings, embeddingDim]. */
export class Embedding extends Module {
  readonly weight: Parameter;
  readonly paddingIdx: number | null;

  constructor(
    readonly numEmbeddings: number,
    readonly embeddingDim: number,
    options: EmbeddingOptions = {},
    ...surplus: []
  ) {
    const parameters = {
      numEmbeddings: kinds.count,
      embeddingDim: kinds.count,
      options: optional(embeddingOptions),
    };
    requireArguments('Embedding', parameters, [numEmbeddings, embeddingDim, options, ...surplus]);
    super();
    const { paddingIdx, init = normal(), dtype = 'float32' } = options;
    this.paddingIdx = requirePadding(paddingIdx, numEmbeddings);
    this.weight = new Parameter([numEmbeddings, embeddingDim], {
      init: this.paddingIdx === null ? init : withoutRow(init, this.paddingIdx),
      dtype,
    });
  }

  /** int32 or uint8 indices [...] -> [..., embeddingDim]. An index outside of the table is an error at run time. */
  forward(indices: Tensor): Tensor {
    if (indices.dtype !== 'int32' && indices.dtype !== 'uint8') {
      throw invalid('Embedding', 'indices must be int32 or uint8', indices.dtype);
    }
    const rows = gather(this.weight, indices);
    if (this.paddingIdx === null) return rows;
    const isPadding = unsqueeze(eq(cast(indices, 'int32'), this.paddingIdx), -1);
    return where(isPadding, stopGradient(rows), rows);
  }
}

function requirePadding(index: number | undefined, rows: number): number | null {
  if (index === undefined) return null;
  requireInteger('Embedding', 'paddingIdx', index, { min: -rows, max: rows - 1 });
  return index < 0 ? index + rows : index;
}

function withoutRow(init: Initialiser, row: number): Initialiser {
  return (shape, context) =>
    where(
      unsqueeze(eq(arange(at(shape, 0), 'int32'), row), -1),
      0,
      initialValues('Embedding', init, shape, context),
    );
}
