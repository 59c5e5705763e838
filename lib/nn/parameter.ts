import { requireArguments } from '../graph/arguments/checked.js';
import * as kinds from '../graph/arguments/kinds.js';
import { needed, optionsOf } from '../graph/arguments/options.js';
import { outside, within } from '../graph/context.js';
import type { DType } from '../graph/dtype.js';
import { Variable } from '../graph/leaf.js';
import { hashKey } from '../graph/random.js';
import { type Shape, sizeOf } from '../graph/shapes.js';
import { AlignedStorage } from '../runtime/aligned-memory.js';
import { evaluateSync } from '../runtime/evaluate.js';
import type { Initialiser } from './init/initializer.js';
import { initialiser, initialValues } from './init/made.js';
import { noteMaker } from './maker.js';

export interface ParameterOptions {
  readonly init: Initialiser;
  /** Number of inputs that one output sums over. Default: the last dimension of the shape. */
  readonly fanIn?: number;
  /** Number of outputs that one input reaches. Default: the first dimension of the shape. */
  readonly fanOut?: number;
  /** Element type. Default float32. */
  readonly dtype?: DType;
}

const parameterOptions = optionsOf<ParameterOptions>({
  init: needed(initialiser),
  fanIn: kinds.nonNegative,
  fanOut: kinds.nonNegative,
  dtype: kinds.dtype,
});

/** Counts the parameters of the process, so that those without a path draw different numbers. */
let created = 0;

/**
 * A variable that training changes. Its initial values are drawn at first use from the seed and its path in the
 * model, so they do not depend on the order in which layers are created.
 */
export class Parameter extends Variable {
  /** Path in the model, such as `conv1.weight`; empty until a model lists its parameters. */
  path = '';
  /** True if optimisers change it; `false` freezes it. Default true. */
  trainable = true;
  /** Seed of the initial values. Default 0. */
  seed = 0;
  readonly #ordinal = created++;

  constructor(shape: Shape, options: ParameterOptions, ...surplus: []) {
    const parameters = { shape: kinds.shape, options: parameterOptions };
    requireArguments('Parameter', parameters, [shape, options, ...surplus]);
    const { init, fanIn, fanOut, dtype = 'float32' } = options;
    super(
      new AlignedStorage(shape, dtype, (data) => {
        if (sizeOf(shape) === 0) return;
        const key = hashKey(this.path || `#${this.#ordinal}`);
        const fans = { fanIn: fanIn ?? shape.at(-1) ?? 1, fanOut: fanOut ?? shape[0] ?? 1 };
        // Whatever reads the parameter first: its values are not part of what is being traced.
        const context = { dtype, seed: this.seed, key, ...fans };
        const [values] = within(outside, () =>
          evaluateSync([initialValues(this.path || 'Parameter', init, shape, context)], this.seed),
        );
        if (values) data.set(values);
      }),
    );
    noteMaker(this, Parameter);
  }
}
