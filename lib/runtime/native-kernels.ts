import { type CallFacts, type Kernels, Operations } from '../compile/plan/kernels.js';
import type { CallStep, Operand } from '../compile/plan/plan.js';
import type { Value } from '../compile/plan/values.js';
import { addon } from './addon.js';
import { encodeStep } from './encode.js';

/** The addon's kernels, as the compiler asks them. */
class NativeKernels implements Kernels {
  #operations: Operations | undefined;

  get operations(): Operations {
    this.#operations ??= new Operations(addon().operations());
    return this.#operations;
  }

  facts(call: CallStep<Value>): CallFacts {
    return addon().callFacts(encodeStep(withoutPlaces(call)));
  }
}

export const nativeKernels: Kernels = new NativeKernels();

/** The operands of a call as if each began a buffer of its own, since kernels ask only for layouts. */
function withoutPlaces({ workspace: _, inputs, output, ...call }: CallStep<Value>): CallStep<Operand> {
  const describe = ({ layout: { shape, strides }, dtype }: Value): Operand => ({
    buffer: 0,
    offset: 0,
    dtype,
    shape,
    strides,
  });
  return {
    ...call,
    inputs: Object.fromEntries(Object.entries(inputs).map(([name, value]) => [name, describe(value)])),
    output: describe(output),
  };
}
