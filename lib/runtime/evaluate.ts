import { compileGraph } from '../compile/compile.js';
import type { TypedArray } from '../graph/dtype.js';
import { invalid } from '../graph/errors.js';
import { isInput, storedValue, Variable } from '../graph/leaf.js';
import { reachable, type Tensor } from '../graph/tensor.js';
import { PlanAccess } from './access/plan-access.js';
import { FEW_BYTES } from './access/whole-copies.js';
import { bind } from './bind.js';
import { Executable } from './executable.js';
import { nativeKernels } from './native-kernels.js';

/**
 * Computes the values of tensors off the main thread, each in a new array. The plan is compiled for this run only; use
 * `compile()` for repeated computations.
 */
export async function evaluate(tensors: readonly Tensor[]): Promise<TypedArray[]> {
  const computed = (await compute(tensors.filter((node) => !storedValue(node)))).values();
  return tensors.map((node) => storedValue(node)?.slice() ?? (computed.next().value as TypedArray));
}

async function compute(tensors: readonly Tensor[]): Promise<TypedArray[]> {
  if (tensors.length === 0) return [];
  const { compiled, executable, outputs } = prepare(tensors);
  // Where nothing is computed, the run itself is the copy.
  const isShort = tensors.every((node) => node instanceof Variable);
  const access = new PlanAccess('data', compiled.variables);
  try {
    return await access.run(isShort, async (memoryOf) => {
      const { bindings, produced } = bind(compiled, [], outputs, memoryOf);
      const random = { seed: 0, step: 0 };
      const bytes = [...produced.values()].reduce((sum, { byteLength }) => sum + byteLength, 0);
      // Whoever trains the variables waits for a copy, which must not wait for other runs in the pool.
      if (isShort && bytes <= FEW_BYTES) executable.run(bindings, random);
      else await executable.runAsync(bindings, random);
      return tensors.map((node) => produced.get(node) as TypedArray);
    });
  } finally {
    executable.release();
    access.release();
  }
}

/** As `evaluate`, but synchronously on this thread: for initialisers. */
export function evaluateSync(tensors: readonly Tensor[], seed = 0): TypedArray[] {
  const { compiled, executable, outputs } = prepare(tensors);
  const { bindings, produced } = bind(compiled, [], outputs);
  executable.run(bindings, { seed, step: 0 });
  executable.release();
  return tensors.map((node) => produced.get(node) as TypedArray);
}

function prepare(tensors: readonly Tensor[]) {
  for (const node of reachable(tensors)) {
    if (isInput(node)) {
      throw invalid(
        'data',
        'the tensor depends on an argument of a function being compiled; return it instead',
      );
    }
  }
  const outputs = [...new Set(tensors)];
  const compiled = compileGraph({ inputs: [], outputs }, nativeKernels);
  return { compiled, executable: new Executable(compiled.plan), outputs };
}
