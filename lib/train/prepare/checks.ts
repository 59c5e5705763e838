import type { Dataset } from '../../data/index.js';
import { requireDataset } from '../../data/require-dataset.js';
import { invalid, requireInteger } from '../../graph/errors.js';
import { Optimizer } from '../../optim/index.js';
import { resolveMemory } from '../../runtime/memory-size.js';
import type { TrainerOptions } from '../options.js';
import { BATCH_SIZE } from './compile-job.js';

/** Checks the data of a call, and the size of its batches. */
export function requireData(op: string, data: unknown, batchSize = BATCH_SIZE, name = 'data'): Dataset {
  const samples = requireDataset(op, data, name);
  requireInteger(op, 'batchSize', batchSize, { min: 1 });
  return samples;
}

/** Checks the options of a trainer. */
export function requireTrainerOptions({
  workers = 'auto',
  shards,
  nice = 0,
  seed = 0,
  loss,
  optimizer,
  memory,
}: TrainerOptions): void {
  if (typeof loss !== 'function')
    throw invalid('Trainer', 'loss must be a function such as nn.crossEntropy', loss);
  if (!(optimizer instanceof Optimizer))
    throw invalid('Trainer', 'optimizer must be one such as optim.adam()', optimizer);
  requireInteger('Trainer', 'seed', seed, { min: 0 });
  if (shards !== undefined) requireInteger('Trainer', 'shards', shards, { min: 1, max: 1024 });
  requireInteger('Trainer', 'nice', nice, { min: 0, max: 19 });
  if (memory !== undefined) resolveMemory('Trainer', memory);
  if (workers !== 'auto') requireInteger('Trainer', 'workers', workers, { min: 1, max: 256 });
}
