import { isRecord } from '../../graph/arguments/is-record.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { invalid } from '../../graph/errors.js';
import { Tensor } from '../../graph/tensor.js';
import {
  ColumnFigure,
  type ColumnFigureDefinition,
  Figure,
  type FigureDefinition,
  figure,
} from '../../nn/figure.js';
import { type BatchLoss, metricAt, nameOf } from '../../nn/losses/batch-loss.js';
import type { AnyFigure } from '../../parallel/prepare/figure-states.js';
import type { Metrics } from './compile-job.js';
import { anyAt } from './placed-figures.js';

const functions = kinds.callback();

/** An example for those who know metrics by names or as lists. */
const EXAMPLE = 'metrics must be an object of functions and figures, such as { accuracy: nn.accuracy }';

/** Names that metrics may not have, and what has them. */
const taken: Readonly<Record<string, string>> = {
  loss: 'the loss itself',
  tables: 'the figures whose results have axes',
};

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
  if (
    metrics instanceof Figure ||
    metrics instanceof ColumnFigure ||
    metrics instanceof Tensor ||
    isDefinition(metrics)
  ) {
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
    return [name, anyAt(op, place, checked)];
  });
  return Object.fromEntries(named) as Metrics;
}

function requireMetric(op: string, name: string, metric: unknown): AnyFigure {
  const meaning = taken[name];
  if (meaning) throw invalid(op, `metrics must not have the name ${name}, which is that of ${meaning}`);
  if (functions.accepts(metric)) return metricAt(op, '', metric as (...given: never[]) => Tensor);
  if (metric instanceof Figure || metric instanceof ColumnFigure) return metric;
  if (isDefinition(metric)) return 'rows' in metric ? figure(metric) : figure(metric);
  const hint = typeof metric === 'string' ? `, such as nn.accuracy or nn.meanAbsoluteError` : '';
  throw invalid(op, `metric ${name} must be a function of output and target or a figure${hint}`, metric);
}

/** True for an object that is meant as a figure. */
function isDefinition(metric: unknown): metric is FigureDefinition | ColumnFigureDefinition {
  if (typeof metric !== 'object' || metric === null) return false;
  const { update, rows } = metric as Partial<Record<string, unknown>>;
  return typeof update === 'function' || typeof rows === 'function';
}
