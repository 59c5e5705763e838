import { checked } from '../graph/arguments/checked.js';
import { type Kind, listOf, optional } from '../graph/arguments/kind.js';
import * as kinds from '../graph/arguments/kinds.js';
import { formatShape } from '../graph/errors.js';
import { type TableOptions, tableOptions } from '../health/table-options.js';
import { describeReport, fitsWholly } from '../nn/state/report.js';
import { enumerate } from '../text/names.js';
import { table } from '../text/table.js';
import type { ComparedLayer, PortComparison } from './report.js';

const layer = kinds.withFields<ComparedLayer>('a compared layer', {
  path: kinds.string,
  type: kinds.string,
  shape: kinds.shape,
  departs: kinds.boolean,
});
const names = listOf(kinds.string, 'names');
const comparison: Kind<PortComparison> = kinds.withFields<PortComparison>('a result of compare', {
  layers: listOf(layer, 'layers'),
  missing: names,
  uncalled: names,
  unrecorded: names,
});

/**
 * Formats what `compare` found: the layers as a table, the first that departs and why, and what could not be compared.
 *
 * @param options `columns`, the width of the table
 */
export const formatComparison = checked(
  'formatComparison',
  { comparison, options: optional(tableOptions) },
  (comparison: PortComparison, options: TableOptions = {}): string => {
    const { layers, ...found } = comparison;
    const rows = layers.map(({ path, type, shape, difference, relative, departs }) => [
      path,
      type,
      formatShape(shape),
      brief(difference),
      brief(relative),
      departs ? 'departs' : '',
    ]);
    const head = ['layer', 'type', 'shape', 'difference', 'relative', ''];
    return [table(head, rows, options.columns), verdict(found), remarks(found)]
      .filter((part) => part !== '')
      .join('\n\n');
  },
);

type Found = Omit<PortComparison, 'layers'>;

function verdict({ first, failure }: Found): string {
  if (!first) return 'No layer departs.';
  const { path, type, reason = 'no reason was found' } = first;
  const ended = failure === undefined ? [] : [`Behind it the model ended: ${failure}.`];
  return [`${path} (${type}) is the first to depart: ${reason}.`, ...ended].join('\n');
}

function remarks({ missing, uncalled, unrecorded, weights }: Found): string {
  const lists: [string, readonly string[]][] = [
    ['recorded, but no layer', missing],
    ['recorded, but never called', uncalled],
    ['not recorded', unrecorded],
  ];
  return [
    ...(weights && !fitsWholly(weights) ? [`the weights do not fit: ${describeReport(weights)}`] : []),
    ...lists.flatMap(([what, list]) => (list.length > 0 ? [`${what}: ${enumerate(list)}`] : [])),
  ].join('\n');
}

/** A JSON form has null for what is not finite. */
function brief(value: number | null): string {
  if (value === null) return '-';
  return value === 0 || !Number.isFinite(value) ? String(value) : value.toExponential(1);
}
