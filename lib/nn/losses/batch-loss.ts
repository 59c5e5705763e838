import { type Kind, requireKind } from '../../graph/arguments/kind.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { unknownName } from '../../graph/arguments/options.js';
import { ChainruleError, inLayer, invalid } from '../../graph/errors.js';
import { nameAt, partsOf, type Structure, several, structured } from '../../graph/structure.js';
import type { Tensor } from '../../graph/tensor.js';
import { type FigureTensors, ofOutput, requireOne } from './by-output.js';
import { takesWeights } from './configurable.js';
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
  /** The name of its output and its target, in a list the index; null for the loss of all outputs. */
  readonly name: string | null;
  readonly factor: number;
  readonly loss: Loss<Tensor | Sums>;
}

/** A trainer's loss as a function of a batch, with the losses that it is made of. */
export interface BatchLoss extends BatchFunction {
  readonly parts: readonly LossPart[];
}

const lossOfOne: Kind<Loss<Tensor | Sums>> = kinds.callback('a function such as nn.crossEntropy');

/** A loss, or a list or a record of losses by output. */
export const losses: Kind<Losses> = structured(lossOfOne, 'such functions by output');

/** Factors of several losses, by their outputs. */
export const lossWeights: Kind<LossWeights> = several(kinds.finite, 'finite numbers by output');

/**
 * The loss of a batch for a loss, or for those of several outputs: their sum, each times its factor, 1 by default.
 *
 * @throws if there are factors of losses that do not exist
 */
export function batchLoss(op: string, given: Losses, factors: LossWeights = {}): BatchLoss {
  requireKind(op, 'loss', losses, given);
  const named = partsOf(given, lossOfOne).map(([place, loss]) => {
    return { name: place === '' ? null : nameAt(place), loss };
  });
  const known = new Map(partsOf(factors, kinds.finite).map(([place, factor]) => [nameAt(place), factor]));
  requireLosses(
    op,
    [...known.keys()],
    named.flatMap(({ name }) => (name === null ? [] : [name])),
  );
  const parts = named.map((part): LossPart => ({ ...part, factor: known.get(part.name ?? '') ?? 1 }));
  return Object.assign(lossOf(op, parts), { parts });
}

/** Checks that each factor belongs to a loss. */
function requireLosses(op: string, factors: readonly string[], names: readonly string[]): void {
  const unknown = factors.find((name) => !names.includes(name));
  if (unknown === undefined) return;
  throw names.length > 0
    ? unknownName(op, 'output', unknown, names, 'lossWeights.')
    : invalid(op, 'lossWeights are factors of several losses, and there is one loss', factors.join(', '));
}

function lossOf(op: string, parts: readonly LossPart[]): BatchFunction {
  const [only] = parts;
  if (only?.name === null) {
    return (output, target, weights) => {
      const tensors = { output, target, weights };
      requireOne(
        op,
        only.loss,
        tensors,
        (form) => `the loss must be ${form} of losses, or a function of all`,
      );
      return weighed(op, 'the loss', only.loss, tensors);
    };
  }
  return (output, target, weights) =>
    new LossTerms(
      parts.flatMap(({ name, factor, loss }) => {
        if (name === null) return [];
        const own = ofOutput(op, name, 'for which there is a loss', { output, target, weights });
        return { name, factor, result: naming(name, () => weighed(op, `the loss of ${name}`, loss, own)) };
      }),
    );
}

/** What a loss gives for a batch, whose samples it must weigh if they have weights. */
function weighed(
  op: string,
  name: string,
  loss: Loss<Tensor | Sums>,
  { output, target, weights }: FigureTensors,
): Tensor | Sums {
  const fn = loss as unknown as (...given: readonly Tensors[]) => Tensor | Sums;
  if (weights === undefined) return fn(output, target);
  if (takesWeights(loss)) return fn(output, target, weights);
  throw invalid(
    op,
    `the data set has weights, so ${name} must take them, as (output, target, weights) without defaults`,
    loss,
  );
}

/** The checks of targets by the name of the output; null for those of a single one. */
export function targetChecks({ parts }: BatchLoss): [name: string | null, check: TargetCheck][] {
  return parts.flatMap(({ name, loss: { checkTargets } }): [string | null, TargetCheck][] => {
    if (!checkTargets) return [];
    return [
      [
        name,
        (...given) => (name === null ? checkTargets(...given) : naming(name, () => checkTargets(...given))),
      ],
    ];
  });
}

/** Adds the name of a loss to the errors of the library that it throws. */
function naming<R>(name: string, fn: () => R): R {
  try {
    return fn();
  } catch (error) {
    throw error instanceof ChainruleError ? inLayer(error, `loss ${name}`) : error;
  }
}
