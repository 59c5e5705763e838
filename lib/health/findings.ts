import { kind } from '../graph/arguments/kind.js';
import { type Options, optionsOf } from '../graph/arguments/options.js';
import { describeNonFinite } from '../runtime/non-finite.js';
import { enumerate } from '../text/names.js';
import { percent } from '../text/percent.js';
import type { Finding, HealthReport } from './report.js';

/** Limits beyond which a finding is reported. */
export interface HealthThresholds {
  /**
   * A gradient vanishes if its norm is below this share of that at the last layer. Default 1e-4: an Adam or SGD rate
   * that suits the last layer then leaves the first one unchanged.
   */
  readonly vanishing: number;
  /** A gradient explodes if its norm exceeds this multiple of that at the last layer. Default 1e4. */
  readonly exploding: number;
  /**
   * A parameter's gradient also explodes if its norm exceeds this. Default 1e3; in practice norms are clipped to 0.25
   * to 10.
   */
  readonly gradientNorm: number;
  /** Share of dead units from which a ReLU is reported. Default 0.5; healthy networks have a few percent. */
  readonly dead: number;
  /**
   * Updates of weights smaller than this share of their values are stale. Default 1e-6: a healthy ratio is about 1e-3,
   * and below 6e-8 float32 rounds the update away.
   */
  readonly staleUpdates: number;
  /** Updates of weights larger than this share of their values are too large. Default 0.1. */
  readonly largeUpdates: number;
}

/** Infinity included, with which a finding is never made. */
const limit = kind<number>('a non-negative number', (value) => typeof value === 'number' && value >= 0);

export const healthThresholds: Options<Partial<HealthThresholds>> = optionsOf<Partial<HealthThresholds>>({
  vanishing: limit,
  exploding: limit,
  gradientNorm: limit,
  dead: limit,
  staleUpdates: limit,
  largeUpdates: limit,
});

const defaultThresholds: HealthThresholds = {
  vanishing: 1e-4,
  exploding: 1e4,
  gradientNorm: 1e3,
  dead: 0.5,
  staleUpdates: 1e-6,
  largeUpdates: 0.1,
};

/** Applies the defaults of omitted thresholds. */
export function completeThresholds(given: Partial<HealthThresholds> = {}): HealthThresholds {
  const set = Object.entries(given).filter(([, value]) => value !== undefined);
  return { ...defaultThresholds, ...Object.fromEntries(set) };
}

type Figures = Omit<HealthReport, 'findings'>;

/** With fewer rows, a unit may be 0 for the whole batch by chance. */
const FEW_ROWS = 8;

/** Derives the findings from a report's figures. */
export function findingsOf(figures: Figures, rows: number, thresholds: HealthThresholds): Finding[] {
  return [
    nonFinite(figures),
    vanishing(figures, thresholds),
    exploding(figures, thresholds),
    rows < FEW_ROWS ? null : dead(figures, thresholds),
    untrained(figures),
    staleUpdates(figures, thresholds),
    largeUpdates(figures, thresholds),
  ].filter((finding) => finding !== null);
}

function nonFinite({ firstNonFinite: first }: Figures): Finding | null {
  if (!first) return null;
  const remedies =
    'a smaller learning rate, clipping the gradient (clipNorm of the optimiser), an initialisation that keeps ' +
    'variances, normalisation, or a formula that cannot overflow (logSoftmax for the log of softmax)';
  return {
    kind: 'nonFinite',
    layers: [first.layer],
    message: `${describeNonFinite(first)}. Remedies: ${remedies}`,
  };
}

/** The layers that have a gradient, with its ratio to that of the last layer. */
function compared(layers: Figures['layers']): { path: string; ratio: number }[] {
  return layers.flatMap(({ path, gradientRatio }) =>
    gradientRatio === null ? [] : [{ path, ratio: gradientRatio }],
  );
}

function vanishing({ layers }: Figures, { vanishing: least }: HealthThresholds): Finding | null {
  const ratios = compared(layers);
  const found = ratios.filter(({ ratio }) => ratio < least);
  if (found.length === 0) return null;
  const smallest = Math.min(...found.map(({ ratio }) => ratio));
  const paths = found.map(({ path }) => path);
  const remedies =
    'an activation that does not saturate (ReLU, GELU, SELU), an initialisation that keeps variances ' +
    '(nn.init.xavierNormal for tanh, kaimingNormal for ReLU, orthogonal), normalisation (nn.BatchNorm1d, ' +
    'nn.LayerNorm), or residual connections (nn.Residual)';
  return {
    kind: 'vanishing',
    layers: paths,
    message:
      `The gradient vanishes on its way back: at ${layersNamed(paths)} its norm is down to ` +
      `${smallest.toExponential(1)} of that at layer ${ratios.at(-1)?.path}. Remedies: ${remedies}`,
  };
}

function exploding({ layers, parameters }: Figures, thresholds: HealthThresholds): Finding | null {
  const ratios = compared(layers);
  const steep = ratios.filter(({ ratio }) => ratio > thresholds.exploding);
  const large = parameters.filter(({ gradientNorm }) => gradientNorm > thresholds.gradientNorm);
  if (steep.length === 0 && large.length === 0) return null;
  const [paths, names] = [steep.map(({ path }) => path), large.map(({ path }) => path)];
  const most = Math.max(...steep.map(({ ratio }) => ratio)).toExponential(1);
  const norm = Math.max(...large.map(({ gradientNorm }) => gradientNorm)).toExponential(1);
  const parts = [
    ...(steep.length > 0
      ? [`at ${layersNamed(paths)} its norm is up to ${most} times that at layer ${ratios.at(-1)?.path}`]
      : []),
    ...(large.length > 0 ? [`of ${listed(names)} its norm is up to ${norm}`] : []),
  ];
  const remedies =
    'smaller first weights (nn.init.xavierNormal for tanh, kaimingNormal for ReLU, orthogonal), clipping ' +
    '(clipNorm of the optimiser), normalisation (nn.BatchNorm1d, nn.LayerNorm), residual connections ' +
    '(nn.Residual), or a smaller learning rate';
  return {
    kind: 'exploding',
    layers: [...paths, ...names],
    message: `The gradient explodes: ${parts.join('; ')}. Remedies: ${remedies}`,
  };
}

function dead({ relus }: Figures, { dead: most }: HealthThresholds): Finding | null {
  const found = relus.filter((relu) => relu.dead >= most);
  if (found.length === 0) return null;
  const share = Math.max(...found.map((relu) => relu.dead));
  const remedies =
    'a smaller learning rate, an activation with a slope on both sides (leakyRelu, GELU, ELU), nn.init.kaimingNormal ' +
    'with biases of 0, or normalisation before the activation';
  return {
    kind: 'dead',
    layers: found.map(({ path }) => path),
    message:
      `Units are dead: of the ReLU in ${listed(found.map(({ path }) => path))} up to ${percent(share, 0)} of ` +
      `the units are 0 for the whole batch. Remedies: ${remedies}`,
  };
}

function untrained({ parameters }: Figures): Finding | null {
  const found = parameters.filter((parameter) => parameter.untrained).map(({ path }) => path);
  if (found.length === 0) return null;
  const remedies =
    'a use in forward, stopGradient taken out of the way from the loss, or freeze() if it is meant to stay as it is';
  return {
    kind: 'untrained',
    layers: found,
    message: `The loss does not depend on ${listed(found)}, so no gradient trains it. Remedies: ${remedies}`,
  };
}

function staleUpdates({ parameters }: Figures, { staleUpdates: least }: HealthThresholds): Finding | null {
  const found = weights(parameters).filter(
    ({ updateRatio, untrained }) => !untrained && updateRatio !== null && updateRatio < least,
  );
  if (found.length === 0) return null;
  const smallest = Math.min(...found.map(({ updateRatio }) => updateRatio as number));
  return {
    kind: 'staleUpdates',
    layers: found.map(({ path }) => path),
    message:
      `Updates are stale: of ${listed(found.map(({ path }) => path))} an update changes as little as ` +
      `${smallest.toExponential(1)} of the values, where about 1e-3 is usual. Remedies: a larger learning rate, an ` +
      'optimiser that scales each gradient (optim.adam), or those against vanishing gradients',
  };
}

function largeUpdates({ parameters }: Figures, { largeUpdates: most }: HealthThresholds): Finding | null {
  const found = weights(parameters).filter(({ updateRatio }) => updateRatio !== null && updateRatio > most);
  if (found.length === 0) return null;
  const largest = Math.max(...found.map(({ updateRatio }) => updateRatio as number));
  return {
    kind: 'largeUpdates',
    layers: found.map(({ path }) => path),
    message:
      `Updates are large: of ${listed(found.map(({ path }) => path))} an update changes up to ` +
      `${largest.toPrecision(2)} of the values, where about 1e-3 is usual. Remedies: a smaller learning rate, ` +
      'warm-up (a schedule that starts small), or clipping (clipNorm of the optimiser)',
  };
}

/** Parameters with several axes: biases and gains start at or near 0, where any update is large. */
function weights(parameters: Figures['parameters']): Figures['parameters'] {
  return parameters.filter(({ shape }) => shape.length > 1);
}

function layersNamed(paths: readonly string[]): string {
  return `layer${paths.length > 1 ? 's' : ''} ${listed(paths)}`;
}

/** Joins paths as `a, b and c`; of more than six, only the first and last few are named. */
function listed(paths: readonly string[]): string {
  if (paths.length > 6) {
    return `${paths.slice(0, 3).join(', ')} ... ${paths.slice(-2).join(', ')} (${paths.length} in all)`;
  }
  return enumerate(paths);
}
