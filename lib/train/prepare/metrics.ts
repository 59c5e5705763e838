import { signatureOf } from '../../graph/arguments/checked.js';
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
import type { BatchFunction, BatchLoss } from '../../nn/losses/batch-loss.js';
import { requireOne } from '../../nn/losses/by-output.js';
import { boundOptions, takesWeights } from '../../nn/losses/configurable.js';
import type { Tensors } from '../../nn/model-input.js';
import type { AnyFigure } from '../../parallel/prepare/figure-states.js';
import type { Metrics } from './compile-job.js';
import { figureOfOne } from './placed-figures.js';

const functions = kinds.callback();

/** An example for those who know metrics by names or as lists. */
const EXAMPLE = 'metrics must be an object of functions and figures, such as { accuracy: nn.accuracy }';

/** Names that metrics may not have, and what has them. */
const taken: Readonly<Record<string, string>> = {
  loss: 'the loss itself',
  tables: 'the figures whose results have axes',
};

/** A figure and its name. */
type NamedFigure = readonly [name: string, figure: Metrics[string]];

/**
 * The figures of a trainer besides the loss: those that are given or, if none are, those that suit the losses. Of several
 * losses each is a figure too, `rating.loss`.
 *
 * @param given the option `metrics`; the four functions of a figure may be given as they are
 */
export function figuresOf(op: string, { parts }: BatchLoss, given: unknown): Metrics {
  const ofLosses = parts.flatMap(({ name, loss }): NamedFigure[] =>
    name === null
      ? []
      : [[`${name}.loss`, figureOfOne(op, name, 'for which there is a loss', batchFunction(loss))]],
  );
  const own = () =>
    parts.flatMap(({ name, loss: { metrics = {} } }) =>
      name === null ? requireMetrics(op, metrics, false) : metricsOfOne(op, name, metrics),
    );
  // A loss of the package for all outputs is one of a single output.
  const mayBeSeveral = parts.some(({ name, loss }) => name !== null || !boundOptions(loss));
  return distinct(op, [
    ...ofLosses,
    ...(given === undefined ? own() : requireMetrics(op, given, mayBeSeveral)),
  ]);
}

/** @param mayBeSeveral true if the model may have several outputs, so that a record may hold the metrics of one */
function requireMetrics(op: string, metrics: unknown, mayBeSeveral: boolean): NamedFigure[] {
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
  return Object.entries(metrics).flatMap(([name, metric]): readonly NamedFigure[] =>
    mayBeSeveral && isRecord(metric) && !isDefinition(metric)
      ? metricsOfOne(op, name, metric)
      : [[name, requireMetric(op, name, metric)]],
  );
}

/** The metrics of one of several outputs, under names such as `rating.accuracy`. */
function metricsOfOne(op: string, output: string, metrics: Readonly<Record<string, unknown>>): NamedFigure[] {
  return Object.entries(metrics).map(([own, metric]) => {
    const name = `${output}.${own}`;
    return [name, figureOfOne(op, output, 'for which there are metrics', requireMetric(op, name, metric))];
  });
}

function requireMetric(op: string, name: string, metric: unknown): AnyFigure {
  const meaning = taken[name];
  if (meaning) throw invalid(op, `metrics must not have the name ${name}, which is that of ${meaning}`);
  requireMade(op, name, metric);
  if (functions.accepts(metric)) return metricFunction(op, metric as (...given: never[]) => Tensor);
  if (metric instanceof Figure || metric instanceof ColumnFigure) return metric;
  if (isDefinition(metric)) return 'rows' in metric ? figure(metric) : figure(metric);
  const hint = typeof metric === 'string' ? `, such as nn.accuracy or nn.meanAbsoluteError` : '';
  throw invalid(op, `metric ${name} must be a function of output and target or a figure${hint}`, metric);
}

/** A metric as a function of a batch; one of the package is of one output. */
function metricFunction(op: string, metric: (...given: never[]) => Tensor): BatchFunction {
  const fn = batchFunction(metric);
  return (output, target, weights) => {
    requireOne(
      op,
      metric,
      { output, target, weights },
      () => 'it must be given under the name of its output',
    );
    return fn(output, target, weights);
  };
}

/** A function of output and target as one of a batch: it gets the weights if it takes them. */
function batchFunction(given: (...given: never[]) => ReturnType<BatchFunction>): BatchFunction {
  const fn = given as unknown as (...given: readonly Tensors[]) => ReturnType<BatchFunction>;
  const isWeighted = takesWeights(given);
  return (output, target, weights) =>
    isWeighted && weights !== undefined ? fn(output, target, weights) : fn(output, target);
}

/** The figures by name, of which no two may have the same. */
function distinct(op: string, figures: readonly NamedFigure[]): Metrics {
  const names = figures.map(([name]) => name);
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined) throw invalid(op, `metrics must have other names than ${twice}, which is taken`);
  return Object.fromEntries(figures);
}

/** Refuses a function that makes a metric from options, such as `metrics.f1` in place of `metrics.f1()`. */
function requireMade(op: string, name: string, metric: unknown): void {
  const signature = typeof metric === 'function' ? signatureOf(metric) : undefined;
  if (!signature || Object.keys(signature.parameters).some((parameter) => parameter !== 'options')) return;
  throw invalid(op, `metric ${name} must be called, as ${signature.op}()`, metric);
}

/** True for an object that is meant as a figure. */
function isDefinition(metric: unknown): metric is FigureDefinition | ColumnFigureDefinition {
  if (typeof metric !== 'object' || metric === null) return false;
  const { update, rows } = metric as Partial<Record<string, unknown>>;
  return typeof update === 'function' || typeof rows === 'function';
}
