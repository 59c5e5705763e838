import * as kinds from '../../graph/arguments/kinds.js';
import { ChainruleError, inLayer, invalid } from '../../graph/errors.js';
import { Tensor } from '../../graph/tensor.js';
import { Figure, type FigureDefinition, figure } from '../../nn/figure.js';
import type { Metrics } from './compile-job.js';
import { requireLikeShapes } from './mixed-shapes.js';

const functions = kinds.callback();

/** An example for those who know metrics by names or as lists. */
const EXAMPLE = 'metrics must be an object of functions and figures, such as { accuracy: nn.accuracy }';

/** Checks the option `metrics` of a trainer; the four functions of a figure may be given as they are. */
export function requireMetrics(op: string, metrics: unknown): Metrics {
  if (typeof metrics !== 'object' || metrics === null || Array.isArray(metrics) || metrics instanceof Map) {
    throw invalid(op, EXAMPLE, metrics);
  }
  if (metrics instanceof Figure || metrics instanceof Tensor || isDefinition(metrics)) {
    throw invalid(op, `${EXAMPLE}, each under a name`, metrics);
  }
  return Object.fromEntries(
    Object.entries(metrics).map(([name, metric]) => [name, requireMetric(op, name, metric)]),
  );
}

function requireMetric(op: string, name: string, metric: unknown): Metrics[string] {
  if (name === 'loss')
    throw invalid(op, 'metrics must not have the name loss, which is that of the loss itself');
  if (functions.accepts(metric)) return metric as Metrics[string];
  if (metric instanceof Figure) return metric;
  if (isDefinition(metric)) return figure(metric);
  const hint = typeof metric === 'string' ? `, such as nn.accuracy or nn.meanAbsoluteError` : '';
  throw invalid(op, `metric ${name} must be a function of output and target or a figure${hint}`, metric);
}

/** True for an object that is meant as a figure. */
function isDefinition(metric: unknown): metric is FigureDefinition {
  return (
    typeof metric === 'object' && metric !== null && 'update' in metric && typeof metric.update === 'function'
  );
}

/** A figure whose errors name it, and which is refused if it compares outputs with the targets of other samples. */
export function namedFigure(name: string, metric: Metrics[string]): Metrics[string] {
  if (metric instanceof Figure) return namedDefinition(name, metric.definition);
  return (output, target) => {
    const value = name === 'loss' ? metric(output, target) : naming(name, () => metric(output, target));
    requireLikeShapes(name, output, target, value);
    return value;
  };
}

function namedDefinition(name: string, definition: FigureDefinition): Figure {
  return new Figure({
    init: () => naming(name, () => definition.init()),
    update: (state, output, target) => naming(name, () => definition.update(state, output, target)),
    merge: (a, b) => naming(name, () => definition.merge(a, b)),
    result: (state) => naming(name, () => definition.result(state)),
  });
}

/** Adds the name of a metric to the errors of the library that it throws. */
function naming<R>(name: string, fn: () => R): R {
  try {
    return fn();
  } catch (error) {
    throw error instanceof ChainruleError ? inLayer(error, `metric ${name}`) : error;
  }
}
