import { isRecord } from '../../graph/arguments/is-record.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { ChainruleError, inLayer, invalid } from '../../graph/errors.js';
import { Tensor } from '../../graph/tensor.js';
import { Figure, type FigureDefinition, figure } from '../../nn/figure.js';
import {
  type BatchFunction,
  type BatchLoss,
  metricAt,
  nameOf,
  tensorAt,
  weightsAt,
} from '../../nn/losses/batch-loss.js';
import type { Tensors } from '../../nn/model-input.js';
import type { Metrics } from './compile-job.js';
import { requireLikeShapes } from './mixed-shapes.js';

const functions = kinds.callback();

/** An example for those who know metrics by names or as lists. */
const EXAMPLE = 'metrics must be an object of functions and figures, such as { accuracy: nn.accuracy }';

/** A figure of a model with any outputs. */
type AnyDefinition = FigureDefinition<never, Tensors, Tensors>;

/**
 * The figures of a trainer besides the loss: those that are given or, if none are, those that suit the losses. Of several
 * losses each is a figure too, `rating.loss`.
 */
export function figuresOf(op: string, loss: BatchLoss, given: unknown): Metrics {
  const places = loss.parts.map(({ place }) => place).filter((place) => place !== '');
  const own = loss.parts.map(({ place, loss: { metrics = {} } }): Metrics => {
    return place === '' ? requireMetrics(op, metrics) : metricsAt(op, place, metrics);
  });
  const ofLosses = places.map((place, i): Metrics => {
    const part = loss.parts[i] as BatchLoss['parts'][number];
    return { [`${nameOf(place)}.loss`]: metricAt(op, place, part.loss) };
  });
  const metrics = given === undefined ? Object.assign({}, ...own) : requireMetrics(op, given, places);
  return Object.assign({}, ...ofLosses, metrics) as Metrics;
}

/**
 * Checks the option `metrics` of a trainer; the four functions of a figure may be given as they are.
 *
 * @param places of the outputs that have losses: a record of metrics may stand for one
 */
export function requireMetrics(op: string, metrics: unknown, places: readonly string[] = []): Metrics {
  if (typeof metrics !== 'object' || metrics === null || Array.isArray(metrics) || metrics instanceof Map) {
    throw invalid(op, EXAMPLE, metrics);
  }
  if (metrics instanceof Figure || metrics instanceof Tensor || isDefinition(metrics)) {
    throw invalid(op, `${EXAMPLE}, each under a name`, metrics);
  }
  const all = Object.entries(metrics).map(([name, metric]): Metrics => {
    const place = places.find((one) => nameOf(one) === name);
    if (place !== undefined && isRecord(metric) && !isDefinition(metric)) return metricsAt(op, place, metric);
    return { [name]: requireMetric(op, name, metric) };
  });
  return Object.assign({}, ...all) as Metrics;
}

/** The metrics of one of several outputs, under names such as `rating.accuracy`. */
function metricsAt(op: string, place: string, metrics: Readonly<Record<string, unknown>>): Metrics {
  const named = Object.entries(metrics).map(([own, metric]) => {
    const name = `${nameOf(place)}.${own}`;
    const checked = requireMetric(op, name, metric);
    return [name, checked instanceof Figure ? figureAt(op, place, checked) : metricAt(op, place, checked)];
  });
  return Object.fromEntries(named) as Metrics;
}

/** A figure of the output and the target at a place. */
function figureAt(op: string, place: string, { definition }: Figure): Figure {
  return new Figure<never, Tensors, Tensors>({
    ...(definition as FigureDefinition<never>),
    update: (state, output, target, weights) =>
      (definition as FigureDefinition<never>).update(
        state,
        tensorAt(op, 'the output', output, place),
        tensorAt(op, 'the target', target, place),
        weightsAt(weights, place),
      ),
  } satisfies AnyDefinition) as unknown as Figure;
}

function requireMetric(op: string, name: string, metric: unknown): Figure | BatchFunction {
  if (name === 'loss')
    throw invalid(op, 'metrics must not have the name loss, which is that of the loss itself');
  if (functions.accepts(metric)) return metricAt(op, '', metric as (...given: never[]) => Tensor);
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
  return (output, target, weights) => {
    const compute = () => metric(output, target, weights);
    const value = name === 'loss' ? compute() : naming(name, compute);
    requireLikeShapes(name, output, target, value);
    return value;
  };
}

function namedDefinition(name: string, definition: FigureDefinition): Figure {
  return new Figure({
    init: () => naming(name, () => definition.init()),
    update: (...given) => naming(name, () => definition.update(...given)),
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
