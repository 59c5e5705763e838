import { ChainruleError, failed, withNote } from '../graph/errors.js';
import { Tensor } from '../graph/tensor.js';
import { enumerate } from '../text/names.js';
import type { AnyModule } from './module.js';

/** An argument of `forward`: a tensor, or a record of tensors. */
export type ForwardArgument = Tensor | Readonly<Record<string, Tensor>>;

/**
 * Calls a model's `forward`. If it fails and has read inputs that it was not given, as those of a misspelt name, the error
 * names these.
 */
export function callForward(op: string, model: AnyModule, given: readonly ForwardArgument[]): unknown {
  try {
    return Reflect.apply(model.forward, model, given);
  } catch (error) {
    throw namingInputs(op, model, given, error);
  }
}

function namingInputs(op: string, model: AnyModule, given: readonly ForwardArgument[], error: unknown) {
  const read = namesNotGiven(model, given);
  const got = given.length === 1 ? describe(given[0] as ForwardArgument) : `${given.length} tensors`;
  if (read.length > 0) {
    if (error instanceof ChainruleError)
      return withNote(error, `forward reads ${enumerate(read)}, and was given ${got}`);
    // Errors of the user's own are left alone: an input may be optional.
    if (!(error instanceof TypeError)) return error;
    const rule = `the inputs must have ${enumerate(read)}, which forward reads`;
    const details = { received: got, cause: error };
    return withNote(failed('ERR_CHAINRULE_INVALID', op, rule, details), error.message);
  }
  // The method of the class, as the model's own may have been replaced to watch it.
  const { length } = (Object.getPrototypeOf(model) as AnyModule).forward;
  if (length <= given.length || !(error instanceof ChainruleError)) return error;
  return withNote(error, `forward takes ${length} inputs, and was given ${got}`);
}

/** The names of inputs that `forward` reads and that there are none of. */
function namesNotGiven(model: AnyModule, given: readonly ForwardArgument[]): string[] {
  const names = new Set<string>();
  const watched = given.map((argument) => {
    return new Proxy(argument, {
      get(target, name) {
        const isGiven = target instanceof Tensor ? name in target : Object.hasOwn(target, name);
        if (!isGiven && typeof name === 'string') names.add(name);
        return Reflect.get(target, name);
      },
    });
  });
  try {
    Reflect.apply(model.forward, model, watched);
  } catch {
    // As it did before.
  }
  return [...names];
}

function describe(argument: ForwardArgument): string {
  if (argument instanceof Tensor) return 'one tensor';
  return `a record of ${enumerate(Object.keys(argument)) || 'nothing'}`;
}
