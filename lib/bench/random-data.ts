import { sizeOf } from '../graph/shapes.js';
import { data } from '../index.js';
import type { TrainingScenario, Values } from './scenario.js';

/** Uniform random values of consecutive examples, the same at every call with the same seed. */
export function randomValues(values: Values, examples: number, seed = 1): Float32Array | Int32Array {
  const size = examples * sizeOf(values.shape);
  const array = values.dtype === 'int32' ? new Int32Array(size) : new Float32Array(size);
  const factor = values.dtype === 'int32' ? values.below : 1;
  let state = seed;
  for (let i = 0; i < size; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const value = (factor * state) / 2 ** 32;
    array[i] = values.dtype === 'int32' ? Math.floor(value) : value;
  }
  return array;
}

/** Random inputs and targets of a number of training steps. */
export function randomData({ inputs, targets, batchSize }: TrainingScenario, steps: number): data.Dataset {
  const examples = steps * batchSize;
  return data.fromArrays(randomValues(inputs, examples), randomValues(targets, examples, 2), {
    inputs: { shape: inputs.shape },
    targets: { shape: targets.shape },
  });
}
