import { isRecord } from '../graph/arguments/is-record.js';
import { type Kind, kind, refusal, requireKind } from '../graph/arguments/kind.js';
import { at } from '../graph/at.js';
import type { TypedArray } from '../graph/dtype.js';
import { invalid } from '../graph/errors.js';
import { isInput, type NestedNumbers, storedValue, tensor } from '../graph/leaf.js';
import type { NumberArray } from '../graph/number-arrays.js';
import { reachable, Tensor } from '../graph/tensor.js';
import { evaluate } from './evaluate.js';

/** An argument of a compiled function: a tensor, or data that `tensor()` accepts. */
export type Argument = Tensor | NestedNumbers | NumberArray;

export const argument: Kind<Argument> = {
  ...kind(
    'a tensor, or numbers that make one',
    (value) =>
      value instanceof Tensor ||
      (Array.isArray(value) && !(value[0] instanceof Tensor)) ||
      ArrayBuffer.isView(value) ||
      typeof value === 'number',
  ),
  explain: (op, name, value) =>
    Array.isArray(value)
      ? invalid(op, `${name} must be one tensor; a list of inputs is given as several arguments`, value)
      : undefined,
};

/** An argument of a function that is compiled: a tensor, or a record of tensors. */
export type TensorArgument = Tensor | Readonly<Record<string, Tensor>>;

/** What a compiled function is given for an argument: data stand for tensors. */
export type ArgumentFor<A> = A extends Tensor
  ? Argument
  : A extends readonly unknown[]
    ? never
    : { readonly [K in keyof A]: Argument };

/** An argument alone, or a record of arguments. */
export const argumentOrRecord: Kind<Argument | Readonly<Record<string, Argument>>> = {
  ...kind(
    'a tensor, numbers that make one, or a record of these',
    (value) => argument.accepts(value) || (isRecord(value) && Object.values(value).every(argument.accepts)),
  ),
  explain(op, name, value) {
    if (!isRecord(value)) return argument.explain?.(op, name, value);
    const [key, other] = Object.entries(value).find(([, one]) => !argument.accepts(one)) ?? [];
    return refusal(op, `${name}.${key}`, argument, other);
  },
};

/** The tensors for arguments, as `argumentsFrom`. */
export function tensorsFrom(op: string, given: readonly Argument[]): Tensor[] {
  return given.map((value, i) => asTensor(requireKind(op, `argument ${i}`, argument, value)));
}

/**
 * The tensors for arguments of a compiled function. Data are copied now, because the caller may change its arrays while
 * the call is queued.
 */
export function argumentsFrom(op: string, given: readonly unknown[]): TensorArgument[] {
  return given.map((value, i) => {
    const checked = requireKind(op, `argument ${i}`, argumentOrRecord, value);
    if (argument.accepts(checked)) return asTensor(checked as Argument);
    return Object.fromEntries(
      Object.entries(checked).map(([name, part]) => [name, asTensor(part as Argument)]),
    );
  });
}

function asTensor(value: Argument): Tensor {
  return value instanceof Tensor ? value : tensor(value);
}

/** A tensor among the arguments, by a name for errors: `argument 0`, or `argument 0.user` in a record. */
export type NamedTensor = readonly [name: string, tensor: Tensor];

/** The tensors of all arguments, in order. */
export function flatArguments(given: readonly TensorArgument[]): NamedTensor[] {
  return given.flatMap((value, i): NamedTensor[] =>
    value instanceof Tensor
      ? [[`argument ${i}`, value]]
      : Object.entries(value).map(([name, tensor]) => [`argument ${i}.${name}`, tensor]),
  );
}

/** Arguments of the same form with other tensors. */
export function argumentsLike(given: readonly TensorArgument[], flat: readonly Tensor[]): TensorArgument[] {
  const rest = flat.values();
  const next = () => rest.next().value as Tensor;
  return given.map((value) =>
    value instanceof Tensor ? next() : Object.fromEntries(Object.keys(value).map((name) => [name, next()])),
  );
}

/** A result of a traced function: tensors, alone or in arrays and plain objects. */
export type Result = Tensor | undefined | readonly Result[] | { readonly [key: string]: Result };

/** A constraint for the type of a result, as an interface may be, which has no index signature. */
export type ResultLike<R> = Result | { readonly [K in keyof R]: Result };

/**
 * All tensors in a result, in order. Throws in the name of `op` if it contains anything else.
 *
 * @param within the arrays and objects around this one
 */
export function tensorsOf(op: string, result: Result, within: readonly Result[] = []): Tensor[] {
  if (result === undefined) return [];
  if (result instanceof Tensor) return [result];
  if (!Array.isArray(result) && !isPlainObject(result)) {
    throw invalid(op, 'the function must return tensors, alone or in arrays and objects', result);
  }
  if (within.includes(result))
    throw invalid(op, 'the function must not return an array or object within itself');
  const around = [...within, result];
  return Object.values(result as Record<string, Result>).flatMap((entry) => tensorsOf(op, entry, around));
}

/** A result of the same structure, with `fn` applied to its tensors. */
export function mapTensors(result: Result, fn: (node: Tensor) => Tensor): Result {
  if (result === undefined) return undefined;
  if (result instanceof Tensor) return fn(result);
  if (Array.isArray(result)) return result.map((entry: Result) => mapTensors(entry, fn));
  return Object.fromEntries(
    Object.entries(result).map(([name, entry]) => [name, mapTensors(entry as Result, fn)]),
  );
}

/** Throws in the name of `op` if a tensor depends on an argument that is not one of the inputs. */
export function requireOwnInputs(op: string, inputs: readonly Tensor[], roots: readonly Tensor[]): void {
  const own = new Set(inputs);
  for (const node of reachable(roots)) {
    const foreign = isInput(node) && !node.attributes.provider;
    if (foreign && !own.has(node)) {
      throw invalid(op, 'a tensor depends on an argument of another function; pass it as an argument');
    }
  }
}

/** The values of tensors that are all concrete, as arguments mostly are: nothing has to be awaited then. */
export function storedValues(tensors: readonly Tensor[]): TypedArray[] | undefined {
  const values: TypedArray[] = [];
  for (const node of tensors) {
    const value = storedValue(node);
    if (!value) return undefined;
    values.push(value);
  }
  return values;
}

/** The value of a tensor, which is computed first if the tensor is not concrete. */
export async function concreteValue(node: Tensor): Promise<TypedArray> {
  return storedValue(node) ?? at(await evaluate([node]), 0);
}

/** True for `{ ... }`, but not for null or, say, the promise of an async function. */
function isPlainObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
