import { type Kind, kind, listOf } from '../graph/arguments/kind.js';
import * as kinds from '../graph/arguments/kinds.js';
import type { Finding, HealthReport, LayerHealth, ParameterHealth, ReluHealth } from './report.js';

/** A number, or null: what JSON makes of one that is not finite. */
const figure: Kind<number | null> = kind('a number', (value) => value === null || typeof value === 'number');

const { string, shape, number } = kinds;

const layer = kinds.withFields<LayerHealth>('the figures of a layer', {
  path: string,
  type: string,
  shape,
  mean: figure,
  std: figure,
  rms: figure,
  zeros: number,
  gradientNorm: figure,
  gradientRatio: figure,
});

const relu = kinds.withFields<ReluHealth>('the figures of a ReLU', {
  path: string,
  units: number,
  zeros: number,
  dead: number,
});

const parameter = kinds.withFields<ParameterHealth>('the figures of a parameter', {
  path: string,
  shape,
  norm: figure,
  gradientNorm: figure,
  updateRatio: figure,
});

/** A report, which may have been stored as JSON meanwhile. */
export const healthReport: Kind<HealthReport> = kinds.withFields<HealthReport>('a report of inspect', {
  loss: figure,
  layers: listOf(layer, 'layers'),
  relus: listOf(relu, 'ReLUs'),
  parameters: listOf(parameter, 'parameters'),
  findings: listOf(kinds.withFields<Finding>('a finding', { kind: string, message: string }), 'findings'),
});
