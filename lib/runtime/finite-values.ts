import { isFloat, type TypedArray } from '../graph/dtype.js';
import { type ChainruleError, failed } from '../graph/errors.js';
import type { InputAttributes, Variable } from '../graph/leaf.js';
import { reachable, type Tensor } from '../graph/tensor.js';
import type { Trace } from '../graph/trace.js';
import { addon } from './addon.js';
import type { RandomState } from './executable.js';
import { describeNonFinite, findNonFinite, originOf } from './non-finite.js';

/**
 * The values of a traced function that must be finite: its results, the gradients that they or its assignments depend
 * on, and the assigned values. Its plan has all of them as outputs, so that nothing is assigned before they are known.
 */
export class FiniteValues {
  readonly nodes: readonly Tensor[];
  readonly #assignments: ReadonlyMap<Variable, Tensor>;

  constructor(outputs: readonly Tensor[], { assignments, gradientCalls }: Trace) {
    const assigned = [...assignments.values()];
    const used = new Set(reachable([...outputs, ...assigned]));
    const gradients = [...gradientCalls.keys()].filter((node) => used.has(node));
    this.nodes = [...new Set([...outputs, ...gradients, ...assigned])];
    this.#assignments = assignments;
  }

  /** True if all values are finite. */
  areFinite(produced: ReadonlyMap<Tensor, TypedArray>): boolean {
    return this.nodes.every((node) => {
      const values = produced.get(node);
      return (
        !values ||
        !isFloat(node.dtype) ||
        addon().largest(values, 0, values.length) < Number.POSITIVE_INFINITY
      );
    });
  }

  /** Makes the assignments. */
  assign(produced: ReadonlyMap<Tensor, TypedArray>): void {
    for (const [variable, node] of this.#assignments)
      variable.storage.data.set(produced.get(node) as TypedArray);
  }

  /** The error for values that are not finite, with the op that made the first of them. */
  async refusal(
    inputs: readonly Tensor<InputAttributes>[],
    values: readonly TypedArray[],
    random: RandomState,
  ): Promise<ChainruleError> {
    const { first } = await findNonFinite(this.nodes, originOf, { random, inputs, values });
    const expected = 'results, gradients and assigned values must be finite; nothing was assigned';
    const why = first ? `. ${describeNonFinite(first)}` : '';
    return failed('ERR_CHAINRULE_NON_FINITE', 'compile', expected + why);
  }
}
