import { checked } from '../graph/arguments/checked.js';
import { optional } from '../graph/arguments/kind.js';
import { formatShape } from '../graph/errors.js';
import { percent } from '../text/percent.js';
import { table } from '../text/table.js';
import { healthReport } from './kinds.js';
import type { HealthReport } from './report.js';
import { type TableOptions, tableOptions } from './table-options.js';

/**
 * Formats a report as tables of text: layers, ReLUs and parameters, then the findings, one per line.
 *
 * @param options `columns`, the width of the tables
 */
export const formatHealth = checked(
  'formatHealth',
  { report: healthReport, options: optional(tableOptions) },
  (report: HealthReport, { columns }: TableOptions = {}): string => {
    const { loss, layers, relus, parameters, findings } = report;
    const tables = [
      table(
        ['layer', 'type', 'shape', 'mean', 'std', 'rms', 'zeros', 'gradient', 'of last'],
        layers.map(({ path, type, shape, mean, std, rms, zeros, gradientNorm, gradientRatio }) => [
          path,
          type,
          formatShape(shape),
          ...[mean, std, rms].map(brief),
          coarsePercent(zeros),
          brief(gradientNorm),
          gradientRatio === null ? '-' : brief(gradientRatio),
        ]),
        columns,
      ),
      table(
        ['ReLU in', 'units', 'zeros', 'dead units'],
        relus.map(({ path, units, zeros, dead }) => [
          path,
          String(units),
          coarsePercent(zeros),
          coarsePercent(dead),
        ]),
        columns,
      ),
      table(
        ['parameter', 'shape', 'norm', 'gradient', 'update / norm'],
        parameters.map(({ path, shape, norm, gradientNorm, updateRatio }) => [
          path,
          formatShape(shape),
          brief(norm),
          brief(gradientNorm),
          updateRatio === null ? '-' : brief(updateRatio),
        ]),
        columns,
      ),
    ];
    const remarks = findings.map(({ kind, message }) => `${kind}: ${message}.`);
    return [
      `loss ${(loss ?? Number.NaN).toPrecision(5)}`,
      ...tables,
      remarks.length > 0 ? remarks.join('\n') : 'No findings.',
    ]
      .filter((part) => part !== '')
      .join('\n\n');
  },
);

function brief(value: number): string {
  if (value === 0 || !Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  return size >= 1e-3 && size < 1e4 ? value.toPrecision(3) : value.toExponential(1);
}

/** A whole percentage, or one with a decimal if it is below 1 %. */
function coarsePercent(share: number): string {
  return percent(share, share > 0 && share < 0.01 ? 1 : 0);
}
