import { at } from '../../graph/at.js';
import { formatType, invalid } from '../../graph/errors.js';
import { full } from '../../graph/leaf.js';
import { sameShape } from '../../graph/shapes.js';
import { Tensor } from '../../graph/tensor.js';
import { Figure, type FigureDefinition, type FigureState } from '../../nn/figure.js';
import { requireTerms, type Sums, type Terms } from '../../nn/losses/sums.js';
import { add, cast, div, mul } from '../../ops/primitives/elementwise.js';
import { reshape } from '../../ops/primitives/movement.js';

/** A loss or a metric as a function of a batch. */
export type BatchFunction = (output: Tensor, target: Tensor) => Tensor | Sums;

/** The state that a figure has after one batch, and what becomes of such states. */
export interface TracedFigure {
  readonly state: readonly Tensor[];
  merge(a: readonly Tensor[], b: readonly Tensor[]): readonly Tensor[];
  /** The figure, a float64 scalar. */
  result(state: readonly Tensor[]): Tensor;
}

/** Traces a figure of a batch. Errors name it. */
export function traceFigure(
  name: string,
  figure: BatchFunction | Figure,
  output: Tensor,
  target: Tensor,
): TracedFigure {
  if (figure instanceof Figure) return new DefinedFigure(name, figure.definition, output, target);
  return tracedSums(requireTerms('Trainer', name, figure(output, target)), target.shape[0] ?? 1);
}

/** The state of sums: added up in float64, divided at the end. */
function tracedSums({ kind, sum, weight }: Terms, rows: number): TracedFigure {
  const total = cast(sum, 'float64');
  const merge: TracedFigure['merge'] = (a, b) => a.map((one, i) => add(one, at(b, i)));
  if (kind === 'total') return { state: [total], merge, result: ([all]) => all as Tensor };
  const state = weight ? [total, cast(weight, 'float64')] : [mul(total, rows), full([], rows, 'float64')];
  return { state, merge, result: ([all, count]) => div(all as Tensor, count as Tensor) };
}

/** A figure with functions of its own, whose states are held to one form. */
class DefinedFigure implements TracedFigure {
  readonly state: readonly Tensor[];
  readonly #form: FigureState;

  constructor(
    private readonly name: string,
    private readonly definition: FigureDefinition,
    output: Tensor,
    target: Tensor,
  ) {
    const empty = definition.init();
    this.#form = this.#requireState('init', empty);
    this.state = this.#listed('update', definition.update(empty, output, target));
  }

  merge(a: readonly Tensor[], b: readonly Tensor[]): readonly Tensor[] {
    return this.#listed('merge', this.definition.merge(this.#named(a), this.#named(b)));
  }

  result(state: readonly Tensor[]): Tensor {
    const value: unknown = this.definition.result(this.#named(state));
    if (value instanceof Tensor && value.size === 1) return cast(reshape(value, []), 'float64');
    const received = value instanceof Tensor ? formatType(value) : value;
    throw invalid('Trainer', `the result of ${this.name} must be a scalar tensor`, received);
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
