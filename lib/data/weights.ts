import { formatType, invalid } from '../graph/errors.js';
import { type Columns, columnsOn, of } from './columns.js';
import { blocksOf, type Field } from './field.js';

/**
 * Checks the weights of samples: one float of at least 0 for each sample, in one column for all targets or in one for each.
 *
 * @throws ChainruleError naming the column
 */
export function requireWeights(columns: Columns<Field>): void {
  const targets = columnsOn(columns, 'targets').map((name) => name.slice('targets'.length));
  for (const name of columnsOn(columns, 'weights')) {
    const place = name.slice('weights'.length);
    if (place !== '' && !targets.includes(place)) {
      const known = targets.map((target) => `weights${target}`).join(', ');
      throw invalid('dataset', `weights of several targets are ${known}, or one list for all`, name);
    }
    requireColumn(name, of(columns, name));
  }
}

function requireColumn(name: string, field: Field): void {
  if (field.dtype !== 'float32' || field.shape.length > 0) {
    throw invalid('dataset', `${name} must be float32, one number per sample`, formatType(field));
  }
  let start = 0;
  for (const block of blocksOf(field)) {
    const at = block.findIndex((weight) => !(weight >= 0 && weight < Number.POSITIVE_INFINITY));
    if (at >= 0) {
      const expected = `the weight of sample ${start + at} must be a finite number of at least 0`;
      throw invalid('dataset', expected, block[at]);
    }
    start += block.length;
  }
}
