import { ChainruleError, inLayer } from '../../graph/errors.js';
import {
  ColumnFigure,
  type ColumnFigureDefinition,
  Figure,
  type FigureColumns,
  type FigureDefinition,
  type FigureState,
} from '../../nn/figure.js';
import { ofOutput } from '../../nn/losses/by-output.js';
import type { Tensors } from '../../nn/model-input.js';
import type { AnyFigure } from '../../parallel/prepare/figure-states.js';
import { requireLikeShapes } from './mixed-shapes.js';

/** The functions of figures of models with any outputs. */
type OfStates = FigureDefinition<FigureState, Tensors, Tensors>;
type OfColumns = ColumnFigureDefinition<FigureColumns, Tensors, Tensors>;

/**
 * A loss, metric or figure of one of several outputs.
 *
 * @param why the output must be there: see `ofOutput`
 */
export function figureOfOne(op: string, name: string, why: string, metric: AnyFigure): AnyFigure {
  const one = (output: Tensors, target: Tensors, weights?: Tensors) =>
    ofOutput(op, name, why, { output, target, weights });
  if (metric instanceof Figure) {
    const own = metric.definition as OfStates;
    return figureOf({
      ...own,
      init(outputs, targets) {
        const { output, target } = one(outputs, targets);
        return own.init(output, target);
      },
      update(state, outputs, targets, all) {
        const { output, target, weights } = one(outputs, targets, all);
        return own.update(state, output, target, weights);
      },
    });
  }
  if (metric instanceof ColumnFigure) {
    const own = metric.definition as OfColumns;
    return columnFigureOf({
      ...own,
      rows(outputs, targets, all) {
        const { output, target, weights } = one(outputs, targets, all);
        return own.rows(output, target, weights);
      },
    });
  }
  return (outputs, targets, all) => {
    const { output, target, weights } = one(outputs, targets, all);
    return metric(output, target, weights);
  };
}

/**
 * A loss, metric or figure whose errors name it; a function is refused if it compares outputs with the targets of other
 * samples.
 */
export function namedFigure(name: string, metric: AnyFigure): AnyFigure {
  const named = <R>(fn: () => R): R => naming(name, fn);
  if (metric instanceof Figure) {
    const own = metric.definition as OfStates;
    return figureOf({
      init: (output, target) => named(() => own.init(output, target)),
      update: (...given) => named(() => own.update(...given)),
      merge: (a, b) => named(() => own.merge(a, b)),
      result: (state) => named(() => own.result(state)),
    });
  }
  if (metric instanceof ColumnFigure) {
    const own = metric.definition as OfColumns;
    return columnFigureOf({
      rows: (...given) => named(() => own.rows(...given)),
      result: (columns) => named(() => own.result(columns)),
    });
  }
  return (output, target, weights) => {
    const compute = () => metric(output, target, weights);
    const value = name === 'loss' ? compute() : named(compute);
    requireLikeShapes(name, output, target, value);
    return value;
  };
}

function figureOf(definition: OfStates): Figure {
  return new Figure<FigureState, Tensors, Tensors>(definition);
}

function columnFigureOf(definition: OfColumns): ColumnFigure {
  return new ColumnFigure<FigureColumns, Tensors, Tensors>(definition);
}

/** Adds the name of a metric to the errors of the library that it throws. */
function naming<R>(name: string, fn: () => R): R {
  try {
    return fn();
  } catch (error) {
    throw error instanceof ChainruleError ? inLayer(error, `metric ${name}`) : error;
  }
}
