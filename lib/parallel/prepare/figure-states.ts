import { at } from '../../graph/at.js';
import { formatType, invalid } from '../../graph/errors.js';
import { full } from '../../graph/leaf.js';
import { sameShape } from '../../graph/shapes.js';
import { Tensor } from '../../graph/tensor.js';
import { ColumnFigure, Figure, type FigureDefinition, type FigureState } from '../../nn/figure.js';
import type { BatchFunction } from '../../nn/losses/batch-loss.js';
import { requireAllTerms, type Terms, weightedSum } from '../../nn/losses/sums.js';
import type { Tensors } from '../../nn/model-input.js';
import { add, cast, div, eq, mul, where } from '../../ops/primitives/elementwise.js';
import { type AnyColumns, ColumnsOfBatch } from './figure-columns.js';
import { type FigureBatch, resultOf, type TracedFigure } from './traced-figure.js';

/** What a trainer reports: a loss or a metric as a function of a batch, or a figure. */
export type AnyFigure = BatchFunction | Figure | ColumnFigure;

/** The functions of a figure of a model with any outputs. */
type AnyDefinition = FigureDefinition<FigureState, Tensors, Tensors>;

/** Traces a figure of a batch. Errors name it. */
export function traceFigure(
  name: string,
  figure: AnyFigure,
  { output, target, weights, rows }: FigureBatch,
): TracedFigure {
  if (figure instanceof ColumnFigure) {
    return new ColumnsOfBatch(name, figure.definition as AnyColumns, { output, target, weights, rows });
  }
  if (figure instanceof Figure) {
    return new DefinedFigure(name, figure.definition as AnyDefinition, { output, target, weights, rows });
  }
  const terms = requireAllTerms('Trainer', name, figure(output, target, weights));
  return terms.length === 1 && terms[0]?.factor === 1
    ? tracedSums(terms[0], rows)
    : new WeightedFigures(
        terms.map((one) => ({ factor: one.factor, figure: tracedSums(one, rows, { isTerm: true }) })),
      );
}

/** The sum of figures, each times its factor. */
class WeightedFigures implements TracedFigure {
  readonly state: readonly Tensor[];
  readonly columns = [];

  constructor(private readonly parts: readonly { readonly factor: number; readonly figure: TracedFigure }[]) {
    this.state = parts.flatMap(({ figure }) => figure.state);
  }

  merge(a: readonly Tensor[], b: readonly Tensor[]): readonly Tensor[] {
    const [ofA, ofB] = [this.#cut(a), this.#cut(b)];
    return this.parts.flatMap(({ figure }, i) => figure.merge(at(ofA, i), at(ofB, i)));
  }

  result(state: readonly Tensor[]): Tensor {
    const states = this.#cut(state);
    return weightedSum(
      this.parts.map(({ factor, figure }, i) => ({ factor, value: figure.result(at(states, i), []) })),
    );
  }

  /** The state of each part. */
  #cut(state: readonly Tensor[]): Tensor[][] {
    const rest = [...state];
    return this.parts.map(({ figure }) => rest.splice(0, figure.state.length));
  }
}

/**
 * The state of sums: added up in float64, divided at the end.
 *
 * @param isTerm true for one of several losses: it is 0 if nothing counts in it, as in training, and not NaN
 */
function tracedSums(
  { kind, sum, weight }: Terms,
  rows: number,
  { isTerm = false }: { readonly isTerm?: boolean } = {},
): TracedFigure {
  const total = cast(sum, 'float64');
  const merge: TracedFigure['merge'] = (a, b) => a.map((one, i) => add(one, at(b, i)));
  if (kind === 'total') return { state: [total], columns: [], merge, result: ([all]) => all as Tensor };
  const state = weight ? [total, cast(weight, 'float64')] : [mul(total, rows), full([], rows, 'float64')];
  const divisor = (count: Tensor) => (isTerm ? where(eq(count, 0), 1, count) : count);
  return {
    state,
    columns: [],
    merge,
    result: ([all, count]) => div(all as Tensor, divisor(count as Tensor)),
  };
}

/** A figure with functions of its own, whose states are held to one form. */
class DefinedFigure implements TracedFigure {
  readonly state: readonly Tensor[];
  readonly columns = [];
  readonly #form: FigureState;

  constructor(
    private readonly name: string,
    private readonly definition: AnyDefinition,
    { output, target, weights }: FigureBatch,
  ) {
    const empty = definition.init(output, target);
    this.#form = this.#requireState('init', empty);
    this.state = this.#listed('update', definition.update(empty, output, target, weights));
  }

  merge(a: readonly Tensor[], b: readonly Tensor[]): readonly Tensor[] {
    return this.#listed('merge', this.definition.merge(this.#named(a), this.#named(b)));
  }

  result(state: readonly Tensor[]): Tensor {
    return resultOf(this.name, this.definition.result(this.#named(state)));
  }

  #named(state: readonly Tensor[]): FigureState {
    return Object.fromEntries(Object.keys(this.#form).map((key, i) => [key, at(state, i)]));
  }

  /** The tensors of a state in the order of `init`. */
  #listed(fn: string, returned: FigureState): Tensor[] {
    const state = this.#requireState(fn, returned);
    return Object.entries(this.#form).map(([key, like]) => {
      const value = state[key];
      if (value?.dtype === like.dtype && sameShape(value.shape, like.shape)) return value;
      const expected = `${fn} of ${this.name} must return ${key} as init does, ${formatType(like)}`;
      throw invalid('Trainer', expected, value && formatType(value));
    });
  }

  #requireState(fn: string, state: unknown): FigureState {
    const plain = typeof state === 'object' && state !== null && !Array.isArray(state);
    const tensors = plain ? Object.values(state) : [];
    if (tensors.length > 0 && tensors.every((value) => value instanceof Tensor)) return state as FigureState;
    throw invalid('Trainer', `${fn} of ${this.name} must return an object of tensors, the state`, state);
  }
}
