import { formatType, invalid } from '../graph/errors.js';
import { sameShape } from '../graph/shapes.js';
import { describeDifference } from '../text/names.js';
import type { TensorSource } from './file.js';
import type { RunSettings } from './state.js';
import { isOfSteps } from './tensor-sources.js';

/** Names of the settings as users give them. */
const names: Readonly<Record<keyof RunSettings, string>> = {
  optimizer: 'optimizer',
  accumulate: "the optimiser's accumulate",
  seed: 'seed',
  shards: 'shards',
  batchSize: 'batchSize',
  shuffle: 'shuffle',
  dropLast: 'dropLast',
  length: 'the number of samples',
};

/** @throws for the first setting that differs from the checkpoint's, with both values */
export function requireSettings(path: string, saved: RunSettings, given: RunSettings): void {
  for (const name of Object.keys(names) as (keyof RunSettings)[]) {
    const before = saved[name] ?? false;
    if (before === (given[name] ?? false)) continue;
    throw invalid('fit', `${names[name]} must be ${before}, as in the checkpoint ${path}`, given[name]);
  }
}

type Described = Pick<TensorSource, 'name' | 'dtype' | 'shape'>;

/** @throws if a checkpoint's tensors differ from the run's in name, shape or dtype; those of the steps may differ */
export function requireTensors(path: string, saved: readonly Described[], given: readonly Described[]): void {
  const here = new Map(given.map((tensor) => [tensor.name, tensor]));
  const there = new Map(saved.map((tensor) => [tensor.name, tensor]));
  const missing = [...here.keys()].filter((name) => !there.has(name));
  const surplus = [...there.keys()].filter((name) => !here.has(name) && !isOfSteps(name));
  const difference = describeDifference(missing, surplus);
  if (difference) {
    throw invalid('fit', `the checkpoint ${path} does not fit the model and optimiser: it ${difference}`);
  }
  for (const [name, tensor] of here) {
    const like = there.get(name) as Described;
    if (like.dtype === tensor.dtype && sameShape(like.shape, tensor.shape)) continue;
    throw invalid(
      'fit',
      `${name} must be ${formatType(like)}, as in the checkpoint ${path}`,
      formatType(tensor),
    );
  }
}
