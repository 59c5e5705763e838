import type { TypedArray } from './dtype.js';
import { invalid } from './errors.js';
import type { Tensor } from './tensor.js';

/** Computes the values of some tensors, each in an array of its own. */
export type Evaluator = (tensors: readonly Tensor[]) => Promise<TypedArray[]>;

let current: Evaluator | undefined;

/** Tells the graph who computes values; the rooms above it do, and it knows none of them. */
export function setEvaluator(evaluate: Evaluator): void {
  current = evaluate;
}

export function evaluator(): Evaluator {
  if (!current) throw invalid('data', "import the package's main module, which brings the runtime");
  return current;
}
