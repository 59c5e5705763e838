import type { Compiled } from '../compile/compile.js';
import type { Plan } from '../compile/plan/plan.js';
import { allocate, type TypedArray } from '../graph/dtype.js';
import type { Variable } from '../graph/leaf.js';
import { sizeOf } from '../graph/shapes.js';
import type { Storage } from '../graph/storage.js';
import type { Tensor } from '../graph/tensor.js';

/** What a run needs of a compiled graph, besides its executable. */
export interface Bound extends Omit<Compiled, 'plan'> {
  readonly plan: Pick<Plan, 'bindings'>;
}

/**
 * Collects the arrays for one run, in the order of the plan's bindings: the values of the inputs, the host's scalars,
 * the memory of the variables, the constants, and a new array for each output.
 *
 * @param memoryOf returns the memory to read a variable from; by default its own
 */
export function bind(
  { plan, hostScalars, variables }: Bound,
  values: readonly TypedArray[],
  outputs: readonly Tensor[],
  memoryOf: (storage: Storage) => TypedArray = ({ data }) => data,
): { bindings: TypedArray[]; produced: Map<Tensor, TypedArray> } {
  const produced = new Map<Tensor, TypedArray>();
  const given = values.values();
  const scalars = hostScalars.values();
  const storages = variables.values();
  const results = outputs.values();
  const bindings = plan.bindings.map(({ kind, dtype, shape, data }): TypedArray => {
    if (kind === 'constant') return data as TypedArray;
    if (kind === 'variable') return memoryOf((storages.next().value as Variable).storage);
    if (kind === 'input') {
      const value = given.next();
      return value.done
        ? Float64Array.of(scalars.next().value?.attributes.provider?.() ?? Number.NaN)
        : value.value;
    }
    const memory = allocate(dtype, sizeOf(shape));
    produced.set(results.next().value as Tensor, memory);
    return memory;
  });
  return { bindings, produced };
}
