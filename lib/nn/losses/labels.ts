import * as kinds from '../../graph/arguments/kinds.js';
import { optionsOf } from '../../graph/arguments/options.js';
import type { TypedArray } from '../../graph/dtype.js';
import { formatShape, invalid, requireInteger } from '../../graph/errors.js';
import { arange, tensor } from '../../graph/leaf.js';
import type { NumberArray } from '../../graph/number-arrays.js';
import { type Shape, sameShape } from '../../graph/shapes.js';
import { Tensor } from '../../graph/tensor.js';
import { sum } from '../../ops/primitives/broadcast.js';
import { cast, eq, mul, ne, where } from '../../ops/primitives/elementwise.js';
import { checkLabels, gather } from '../../ops/primitives/gather.js';
import { unsqueeze } from '../../ops/primitives/movement.js';
import { factors, requireFactors } from './checks.js';
import { factorsOf, type Reduction, type ReductionOptions, reducer, reductionOptions } from './reduction.js';
import { labelHint } from './shape-hint.js';
import { ratio } from './sums.js';

export interface LabelOptions extends ReductionOptions {
  /** Factor for each class, [classes]. The mean is then the weighted mean over the samples. */
  readonly weight?: Tensor | readonly number[] | NumberArray;
  /** Label, of a class or not, whose samples count neither in the loss nor in its mean. */
  readonly ignoreIndex?: number;
}

const label = kinds.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });

/** The kinds of `LabelOptions`. */
export const labelOptions = optionsOf<LabelOptions>({
  ...reductionOptions.kinds,
  weight: factors,
  ignoreIndex: label,
});

/** Checks labels against an output with classes on the last axis, and returns the number of classes. */
export function requireLabelShape(op: string, output: Tensor, labels: Tensor): number {
  const classes = output.shape.at(-1);
  if (classes === undefined || !sameShape(output.shape.slice(0, -1), labels.shape)) {
    const shapes = `${formatShape(output.shape)} and ${formatShape(labels.shape)}`;
    const rule = 'labels must have the shape of the logits without the last axis';
    throw invalid(op, `${rule}, got ${shapes}${labelHint(output, labels)}`);
  }
  return classes;
}

/** Checks the options. */
export function requireLabelOptions(op: string, { weight }: LabelOptions): void {
  requireFactors(op, 'weight', weight);
}

/** The class weights as a tensor of the output's dtype. */
export function classWeights(
  op: string,
  weight: Tensor | readonly number[] | NumberArray,
  output: Tensor,
): Tensor {
  const factors = weight instanceof Tensor ? weight : tensor(weight, { dtype: output.dtype });
  const classes = output.shape.at(-1) as number;
  if (!sameShape(factors.shape, [classes])) {
    throw invalid(op, `weight must have the shape ${formatShape([classes])}`, formatShape(factors.shape));
  }
  return cast(factors, output.dtype);
}

/** Labels whose range is checked when the graph runs, with the weight of each sample. */
export class Labels {
  readonly #labels: Tensor;
  readonly #counted: Tensor | null;
  readonly #weights: Tensor | null;

  constructor(
    private readonly op: string,
    output: Tensor,
    labels: Tensor,
    { weight, ignoreIndex }: LabelOptions,
  ) {
    const classes = requireLabelShape(op, output, labels);
    if (labels.dtype !== 'int32' && labels.dtype !== 'uint8') {
      throw invalid(op, 'labels must be int32 or uint8', labels.dtype);
    }
    // Labels are compared as floats, which are exact for integers up to 2 ** 24.
    requireInteger(op, 'the number of classes', classes, { min: labels.size === 0 ? 0 : 1, max: 2 ** 24 });
    const whole = cast(labels, 'int32');
    this.#counted = ignoreIndex === undefined ? null : ne(whole, ignoreIndex);
    this.#labels = checkLabels(op, this.#counted ? where(this.#counted, whole, 0) : whole, classes);
    const given = weight === undefined ? null : gather(classWeights(op, weight, output), this.#labels);
    this.#weights = given && this.counted(given);
  }

  /** The element of the last axis at each label. */
  pick(x: Tensor): Tensor {
    // Selects rather than multiplies by 0 and 1, so that infinite elements elsewhere do no harm.
    return sum(where(this.is(x), x, 0), -1);
  }

  /** True for the elements of `x` that are at the label's place on the last axis. */
  is(x: Tensor): Tensor {
    const classes = x.shape.at(-1) as number;
    // As floats, since the comparison then fuses with the arithmetic around it.
    return eq(unsqueeze(cast(this.#labels, x.dtype), -1), arange(classes, x.dtype));
  }

  /** The losses of the samples, with 0 for those that do not count. */
  counted(losses: Tensor): Tensor {
    return this.#counted ? where(this.#counted, losses, 0) : losses;
  }

  /** The losses of the samples that count, times the weights of their classes. */
  weighted(losses: Tensor): Tensor {
    return this.counted(this.#weights ? mul(losses, this.#weights) : losses);
  }

  /**
   * Reduces weighted losses: the mean divides by the sum of the weights.
   *
   * @param ofSamples weights of the samples besides those of their classes
   */
  reduce(losses: Tensor, reduction: Reduction, ofSamples?: Tensor): Tensor {
    const weights = this.#weights ?? (this.#counted && cast(this.#counted, losses.dtype));
    if (reduction !== 'mean' || !weights) return reducer(this.op, reduction)(losses, ofSamples);
    if (!ofSamples) return ratio(sum(losses), sum(weights));
    const factors = factorsOf(this.op, losses, ofSamples);
    return ratio(sum(mul(losses, factors)), sum(mul(weights, factors)));
  }
}

/** False for the labels that do not count; undefined if all do. */
export function countedLabels(labels: Tensor, ignoreIndex: number | undefined): Tensor | undefined {
  // A uint8 has no negative numbers, which are common for labels that do not count.
  const wide = labels.dtype === 'uint8' ? cast(labels, 'int32') : labels;
  return ignoreIndex === undefined ? undefined : ne(wide, ignoreIndex);
}

/** Makes a check of the range of labels, to be run before training. */
export function checkLabelRange(op: string, ignoreIndex?: number) {
  return (targets: TypedArray, output: Shape): void => {
    const classes = output.at(-1) as number;
    const at = targets.findIndex((label) => !(label >= 0 && label < classes) && label !== ignoreIndex);
    if (at >= 0) throw invalid(op, `label at position ${at} must be from 0 to ${classes - 1}`, targets[at]);
  };
}
