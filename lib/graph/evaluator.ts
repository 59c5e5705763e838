import type { TypedArray } from './dtype.js';
import { invalid } from './errors.js';
import type { Tensor } from './tensor.js';

/** Computes the values of tensors, each into an array of its own. */
export type Evaluator = (tensors: readonly Tensor[]) => Promise<TypedArray[]>;

let current: Evaluator | undefined;

/** Registers the function that computes values. It lives in a higher layer, which the graph must not import. */
export function setEvaluator(evaluate: Evaluator): void {
  current = evaluate;
}

export function evaluator(): Evaluator {
  if (!current) throw invalid('data', "import the package's main module, which brings the runtime");
  return current;
}
