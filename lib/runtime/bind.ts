import type { Compiled } from '../compile/compile.js';
import type { Binding, Plan } from '../compile/plan/plan.js';
import { allocate, type TypedArray } from '../graph/dtype.js';
import type { Variable } from '../graph/leaf.js';
import { sizeOf } from '../graph/shapes.js';
import type { Storage } from '../graph/storage.js';
import type { Tensor } from '../graph/tensor.js';

/** What a run needs of a compiled graph, besides its executable. */
export interface Bound extends Omit<Compiled, 'plan'> {
  readonly plan: Pick<Plan, 'bindings'>;
}

/** Returns the memory that a run reads a variable from. */
export type MemoryOf = (storage: Storage) => TypedArray;

export const ownMemory: MemoryOf = ({ data }) => data;

/**
 * Collects the arrays for one run, in the order of the plan's bindings: the values of the inputs, the host's scalars,
 * the memory of the variables, the constants, and a new array for each output.
 *
 * @param memoryOf by default the variable's own
 */
export function bind(
  bound: Bound,
  values: readonly TypedArray[],
  outputs: readonly Tensor[],
  memoryOf: MemoryOf = ownMemory,
): { bindings: TypedArray[]; produced: Map<Tensor, TypedArray> } {
  const produced = new Map<Tensor, TypedArray>();
  const results = outputs.values();
  const bindings = collect(bound, values, memoryOf, ({ dtype, shape }) => {
    const memory = allocate(dtype, sizeOf(shape));
    produced.set(results.next().value as Tensor, memory);
    return memory;
  });
  return { bindings, produced };
}

/** The same for a graph without inputs whose outputs have memory already. */
export function bindTo(targets: Iterable<TypedArray>, bound: Bound, memoryOf: MemoryOf): TypedArray[] {
  const next = targets[Symbol.iterator]();
  return collect(bound, [], memoryOf, () => next.next().value as TypedArray);
}

function collect(
  { plan, hostScalars, variables }: Bound,
  values: readonly TypedArray[],
  memoryOf: MemoryOf,
  memoryFor: (output: Binding) => TypedArray,
): TypedArray[] {
  const given = values.values();
  const scalars = hostScalars.values();
  const storages = variables.values();
  return plan.bindings.map((binding): TypedArray => {
    const { kind, data } = binding;
    if (kind === 'constant') return data as TypedArray;
    if (kind === 'variable') return memoryOf((storages.next().value as Variable).storage);
    if (kind === 'output') return memoryFor(binding);
    const value = given.next();
    return value.done
      ? Float64Array.of(scalars.next().value?.attributes.provider?.() ?? Number.NaN)
      : value.value;
  });
}
