import { type ChainruleError, formatType, invalid } from '../graph/errors.js';
import { type Columns, columnsOn, nameOn, of } from './columns.js';
import { blocksOf, type Field } from './field.js';

/**
 * Checks the weights of samples: one float of at least 0 for each sample, in one column for all targets or in one for each.
 *
 * @throws ChainruleError naming the column
 */
export function requireWeights(columns: Columns<Field>): void {
  const targets = columnsOn(columns, 'targets').map((target) => nameOn('targets', target));
  for (const column of columnsOn(columns, 'weights')) {
    const name = nameOn('weights', column);
    if (name !== null && !targets.includes(name)) throw unknownTarget(column, targets);
    requireColumn(column, of(columns, column));
  }
}

function unknownTarget(column: string, targets: readonly (string | null)[]): ChainruleError {
  const expected = targets.includes(null)
    ? 'weights of a single target must be one number for each sample'
    : `weights must be one number for each sample, or such numbers by target (${targets.join(', ')})`;
  return invalid('dataset', expected, column);
}

function requireColumn(name: string, field: Field): void {
  if (field.dtype !== 'float32' || field.shape.length > 0) {
    throw invalid('dataset', `${name} must be float32, one number per sample`, formatType(field));
  }
  let start = 0;
  for (const block of blocksOf(field)) {
    const at = block.findIndex((weight) => !isWeight(weight));
    if (at >= 0) throw invalid('dataset', `sample ${start + at} of ${name} must hold ${RULE}`, block[at]);
    start += block.length;
  }
}

const RULE = 'a finite number of at least 0';

/** True for what a sample may weigh. */
export function isWeight(value: number): boolean {
  return value >= 0 && value < Number.POSITIVE_INFINITY;
}
