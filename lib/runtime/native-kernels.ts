import { type CallFacts, type Kernels, Operations } from '../compile/plan/kernels.js';
import type { CallStep, Operand } from '../compile/plan/plan.js';
import type { Value } from '../compile/plan/values.js';
import { addon } from './addon.js';
import { encodeStep } from './encode.js';

/** Most calls whose facts are remembered. */
const MOST_REMEMBERED = 1000;

/** The addon's kernels, as the compiler asks them. */
class NativeKernels implements Kernels {
  #operations: Operations | undefined;
  /** By all that they depend on: a call takes longer to describe to the addon than to look up. */
  readonly #facts = new Map<string, CallFacts>();

  get operations(): Operations {
    this.#operations ??= new Operations(addon().operations());
    return this.#operations;
  }

  facts(call: CallStep<Value>): CallFacts {
    const key = keyOf(call);
    const known = this.#facts.get(key);
    if (known) return known;
    if (this.#facts.size === MOST_REMEMBERED) this.#facts.clear();
    const facts = addon().callFacts(encodeStep(withoutPlaces(call)));
    this.#facts.set(key, facts);
    return facts;
  }
}

export const nativeKernels: Kernels = new NativeKernels();

function keyOf({ name, inputs, output, attributes }: CallStep<Value>): string {
  const describe = ({ layout: { shape, strides }, dtype }: Value) => `${dtype} ${shape} ${strides}`;
  const operands = [...Object.values(inputs), output].map(describe);
  return `${name} ${operands.join('; ')} ${JSON.stringify(attributes)}`;
}

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
