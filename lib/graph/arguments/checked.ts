import { enumerate } from '../../text/names.js';
import { type ChainruleError, captureStack, invalid } from '../errors.js';
import { type Kind, refusal } from './kind.js';

/** What a public function takes: its name and its parameters, in order. */
export interface Signature {
  readonly op: string;
  readonly parameters: Readonly<Record<string, Parameter>>;
}

/** The kind of a parameter; `rest` for one that takes all arguments from its place on. */
export type Parameter = Kind<unknown> & { readonly rest?: true };

/** The kind of a parameter that takes all arguments from its place on, each of one kind. */
export function rest<T>(inner: Kind<T>): Kind<T> & { readonly rest: true } {
  return { ...inner, rest: true };
}

const signatures = new WeakMap<object, Signature>();

/** The signature of a public function; undefined for any other value. */
export function signatureOf(fn: object): Signature | undefined {
  return signatures.get(fn);
}

/**
 * A public function, whose arguments are checked before it is called: their number and their kinds. An asynchronous
 * function rejects where another one throws.
 *
 * @param op the name that errors begin with
 * @param parameters the kinds of the parameters, in order
 * @throws ChainruleError if an argument is missing, surplus or of another kind
 */
export function checked<F extends (...args: never[]) => unknown>(
  op: string,
  parameters: Readonly<Record<string, Parameter>>,
  fn: F,
): F {
  const refuse = refusalOf(parameters);
  const wrapper = guarded(op, fn, (_, given) => refuse(op, given));
  signatures.set(wrapper, { op, parameters });
  return wrapper;
}

/**
 * A function that is called only with arguments that are not refused.
 *
 * @param refuse the error for the arguments of a call, and for its `this`; undefined if they fit
 */
export function guarded<F extends (...args: never[]) => unknown>(
  name: string,
  fn: F,
  refuse: (self: unknown, given: readonly unknown[]) => ChainruleError | undefined,
): F {
  const fail = failureOf(fn);
  const wrapper = function (this: unknown, ...all: never[]): unknown {
    const given = withoutPlace(all);
    const error = refuse(this, given);
    if (!error) return Reflect.apply(fn, this, given);
    // The first line of the stack should be the caller's.
    captureStack(error, wrapper);
    return fail(error);
  };
  Object.defineProperty(wrapper, 'name', { value: name, configurable: true });
  return wrapper as unknown as F;
}

/** The parameters of some methods of a class. */
export type MethodParameters<T> = {
  readonly [K in keyof T]?: Readonly<Record<string, Parameter>>;
};

/**
 * Has the arguments of public methods checked as those of public functions are.
 *
 * @param op what errors begin with, given the name of the method; the name itself by default
 */
export function checkMethods<T extends object>(
  type: abstract new (...args: never[]) => T,
  methods: MethodParameters<T>,
  op: (method: string) => string = (method) => method,
): void {
  for (const [name, parameters] of Object.entries(methods)) {
    const method: unknown = Object.getOwnPropertyDescriptor(type.prototype, name)?.value;
    if (typeof method !== 'function') throw new TypeError(`${type.name} has no method ${name} of its own`);
    const value = checked(op(name), parameters as Signature['parameters'], method as () => unknown);
    Object.defineProperty(type.prototype, name, { value, writable: true, configurable: true });
  }
}

/**
 * Checks the arguments of a constructor, as those of public functions are:
 *
 *     constructor(size: number, ...surplus: []) {
 *       requireArguments('Queue', { size: kinds.count }, [size, ...surplus]);
 */
export function requireArguments(
  op: string,
  parameters: Readonly<Record<string, Parameter>>,
  given: readonly unknown[],
): void {
  const error = refusalOf(parameters)(op, given);
  if (!error) return;
  captureStack(error, requireArguments);
  throw error;
}

/** The error for an argument that a function has no parameter for. */
function surplusArgument(op: string, names: readonly string[], given: readonly unknown[]): ChainruleError {
  const takes = names.length === 0 ? 'takes no arguments' : `takes ${enumerate(names)} alone`;
  return invalid(op, takes, given[names.length]);
}

/** Prepares the check of arguments against parameters: it gives the error, undefined if they fit. */
export function refusalOf(parameters: Signature['parameters']) {
  const names = Object.keys(parameters);
  const kinds = Object.values(parameters);
  const takesRest = kinds.at(-1)?.rest ?? false;
  return (op: string, given: readonly unknown[]): ChainruleError | undefined => {
    const length = takesRest ? Math.max(given.length, names.length - 1) : names.length;
    for (let i = 0; i < length; i++) {
      const place = Math.min(i, names.length - 1);
      const error = refusal(op, names[place] as string, kinds[place] as Parameter, given[i]);
      if (error) return error;
    }
    return given.length > length ? surplusArgument(op, names, given) : undefined;
  };
}

/**
 * Arguments without those that `array.map(fn)` and the like add: the index of the argument before them, and the array.
 */
function withoutPlace<T>(given: readonly T[]): readonly T[] {
  const { length } = given;
  if (length < 3) return given;
  const array: unknown = given[length - 1];
  const index: unknown = given[length - 2];
  const added =
    Array.isArray(array) && Number.isInteger(index) && array[index as number] === given[length - 3];
  return added ? given.slice(0, -2) : given;
}

/** How a function fails: an asynchronous one rejects, and an asynchronous generator when it is first asked. */
function failureOf(fn: object): (error: ChainruleError) => unknown {
  const kind = Object.prototype.toString.call(fn);
  if (kind === '[object AsyncFunction]') return (error) => Promise.reject(error);
  if (kind === '[object AsyncGeneratorFunction]') return failingGenerator;
  return (error) => {
    throw error;
  };
}

async function* failingGenerator(error: ChainruleError): AsyncGenerator<never> {
  yield Promise.reject(error);
}
