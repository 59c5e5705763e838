import { isRecord } from '../../graph/arguments/is-record.js';
import { type Kind, requireKind } from '../../graph/arguments/kind.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { unknownName } from '../../graph/arguments/options.js';
import { ChainruleError, inLayer, invalid } from '../../graph/errors.js';
import { partsOf, type Structure } from '../../graph/structure.js';
import { Tensor } from '../../graph/tensor.js';
import { boundOptions, takesWeights } from './configurable.js';
import type { Loss, TargetCheck } from './loss.js';
import { LossTerms } from './loss-terms.js';
import type { Sums } from './sums.js';

type Tensors = Structure<Tensor>;

/** A loss of a batch, or one for each output of a model with several. */
export type Losses = Structure<Loss<Tensor | Sums>>;

/** Factors of several losses in their sum. */
export type LossWeights = Structure<number>;

/** A function of a batch: a loss or a metric of a model with any outputs. */
export type BatchFunction = (
  output: Tensors,
  target: Tensors,
  weights?: Tensors,
) => Tensor | Sums | LossTerms;

/** One of the losses that a trainer minimises. */
export interface LossPart {
  /** The place of its output and its target: '' for the only one, `.rating` or `[0]`. */
  readonly place: string;
  readonly factor: number;
  readonly loss: Loss<Tensor | Sums>;
}

/** A trainer's loss as a function of a batch, with the losses that it is made of. */
export interface BatchLoss extends BatchFunction {
  readonly parts: readonly LossPart[];
}

const lossOfOne: Kind<Loss<Tensor | Sums>> = kinds.callback('a function such as nn.crossEntropy');

/** A loss, or a list or a record of losses. */
export const losses: Kind<Losses> = {
  description: `${lossOfOne.description}, or a record of such functions by output`,
  accepts: (value) =>
    lossOfOne.accepts(value) || (isSeveral(value) && valuesOf(value).every(lossOfOne.accepts)),
  explain(op, name, value) {
    if (!isSeveral(value)) return undefined;
    if (valuesOf(value).length === 0)
      return invalid(op, `${name} must have a function for some output`, value);
    const [key, other] = Object.entries(value).find(([, one]) => !lossOfOne.accepts(one)) ?? [];
    return invalid(op, `${name}.${key} must be ${lossOfOne.description}`, other);
  },
};

/** Factors of several losses, by their names. */
export const lossWeights: Kind<LossWeights> = {
  description: 'a record of finite numbers by output',
  accepts: (value) => isSeveral(value) && valuesOf(value).every((factor) => kinds.finite.accepts(factor)),
};

/**
 * The loss of a batch for a loss, or for those of several outputs: their sum, each times its factor, 1 by default.
 *
 * @throws if there are factors of losses that do not exist
 */
export function batchLoss(op: string, given: Losses, factors?: LossWeights): BatchLoss {
  requireKind(op, 'loss', losses, given);
  const places = partsOf(given, lossOfOne);
  const known = new Map(factors === undefined ? [] : partsOf(factors, kinds.finite));
  for (const place of known.keys()) {
    if (places.some(([name]) => name === place)) continue;
    const names = places.map(([name]) => nameOf(name)).filter((name) => name !== '');
    throw names.length > 0
      ? unknownName(op, 'lossWeights', nameOf(place), names)
      : invalid(op, 'lossWeights needs a record of losses by output', factors);
  }
  const parts = places.map(([place, loss]): LossPart => ({ place, loss, factor: known.get(place) ?? 1 }));
  return Object.assign(lossOf(op, parts), { parts });
}

function lossOf(op: string, parts: readonly LossPart[]): BatchFunction {
  const [only] = parts;
  if (parts.length === 1 && only?.place === '') {
    return (output, target, weights) => {
      if (boundOptions(only.loss)) requireOne(op, 'the model gives', output);
      if (boundOptions(only.loss)) requireOne(op, 'the data set has', target);
      return resultOf(op, only.loss, 'the loss', [output, target, weights]);
    };
  }
  return (output, target, weights) =>
    new LossTerms(
      parts.map(({ place, factor, loss }) => {
        const name = nameOf(place);
        const given = [
          tensorAt(op, 'the output', output, place),
          tensorAt(op, 'the target', target, place),
          weightsAt(weights, place),
        ] as const;
        return { name, factor, result: naming(name, () => resultOf(op, loss, `the loss of ${name}`, given)) };
      }),
    );
}

/** Checks that a loss of one output and one target gets no more. */
function requireOne(op: string, who: string, tensors: Tensors): void {
  if (tensors instanceof Tensor) return;
  const places = partsOf(tensors, kinds.tensor).map(([place]) => nameOf(place));
  const form = Array.isArray(tensors) ? 'a list' : 'a record';
  const several = who === 'the model gives' ? 'outputs' : 'targets';
  throw invalid(
    op,
    `${who} ${form} of ${several}, ${places.join(', ')}, so the loss must be ${form} of losses, or a function of all`,
  );
}

/** What a loss gives for a batch, whose samples it must weigh if they have weights. */
function resultOf(
  op: string,
  loss: Loss<Tensor | Sums>,
  name: string,
  [output, target, weights]: readonly [Tensors, Tensors, Tensors | undefined],
): Tensor | Sums {
  const fn = loss as unknown as (...given: readonly (Tensors | undefined)[]) => Tensor | Sums;
  if (weights === undefined) return fn(output, target);
  if (takesWeights(loss)) return fn(output, target, weights);
  throw invalid(op, `the data set has weights, so ${name} must take them, as a third parameter`, loss);
}

/** A metric of the output and the target at a place; one that takes weights gets them. */
export function metricAt(
  op: string,
  place: string,
  metric: (...given: never[]) => ReturnType<BatchFunction>,
): BatchFunction {
  const fn = metric as unknown as (...given: readonly Tensors[]) => ReturnType<BatchFunction>;
  const isWeighted = takesWeights(metric);
  return (output, target, weights) => {
    const given =
      place === ''
        ? [output, target]
        : [tensorAt(op, 'the output', output, place), tensorAt(op, 'the target', target, place)];
    const own = weightsAt(weights, place);
    return isWeighted && own !== undefined ? fn(...given, own) : fn(...given);
  };
}

/** The tensor at a place of a list or a record. */
export function tensorAt(op: string, what: string, tensors: Tensors, place: string): Tensor {
  const found = new Map(partsOf(tensors, kinds.tensor));
  const tensor = found.get(place);
  if (tensor) return tensor;
  const names = [...found.keys()].map((name) => (name === '' ? 'a single tensor' : nameOf(name)));
  throw invalid(op, `${what} must have ${nameOf(place)}, for which there is a loss`, names.join(', '));
}

/** The weights for a target: those of all targets, or its own, if it has some. */
export function weightsAt(weights: Tensors | undefined, place: string): Tensors | undefined {
  if (weights === undefined || weights instanceof Tensor || place === '') return weights;
  return new Map(partsOf(weights, kinds.tensor)).get(place);
}

/** The checks of targets by the place of the target. */
export function targetChecks({ parts }: BatchLoss): [place: string, check: TargetCheck][] {
  return parts.flatMap(({ place, loss: { checkTargets } }) => (checkTargets ? [[place, checkTargets]] : []));
}

/** The name in a place: `rating` in `.rating`, 0 in `[0]`. */
export function nameOf(place: string): string {
  return place.startsWith('[') ? place.slice(1, -1) : place.slice(1);
}

function isSeveral(value: unknown): value is object {
  return Array.isArray(value) || isRecord(value);
}

function valuesOf(value: object): unknown[] {
  return Object.values(value);
}

/** Adds the name of a loss to the errors of the library that it throws. */
function naming<R>(name: string, fn: () => R): R {
  try {
    return fn();
  } catch (error) {
    throw error instanceof ChainruleError ? inLayer(error, `loss ${name}`) : error;
  }
}
