import { Dataset } from '../data/index.js';
import { invalid, requireInteger } from '../graph/errors.js';
import { BATCH_SIZE } from './compiled.js';

/** Checks the data of a call, and the size of its batches. */
export function requireData(op: string, data: unknown, batchSize = BATCH_SIZE): Dataset {
  if (!(data instanceof Dataset))
    throw invalid(op, 'data must be a Dataset, as data.fromArrays() makes', data);
  requireInteger(op, 'batchSize', batchSize, { min: 1 });
  return data;
}
