import { checked, type Signature, signatureOf } from '../../graph/arguments/checked.js';
import { type Kind, kind, requireKind } from '../../graph/arguments/kind.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { type ChainruleError, formatType, invalid } from '../../graph/errors.js';
import { type Shape, sameShape } from '../../graph/shapes.js';
import type { Tensor } from '../../graph/tensor.js';
import type { InitContext, Initialiser } from './initializer.js';

const makers = new WeakSet<object>();

/** The kind of an initialiser. */
export const initialiser: Kind<Initialiser> = {
  ...kind('an initialiser such as init.xavierUniform()', isInitialiser),
  explain(op, name, value) {
    if (typeof value !== 'function' || !makers.has(value)) return undefined;
    return invalid(op, `${name} must be an initialiser, which ${value.name}(...) makes`, value);
  },
};

/** A public function that makes an initialiser: its arguments are checked. */
export function maker<F extends (...args: never[]) => Initialiser>(
  name: string,
  parameters: Signature['parameters'],
  fn: F,
): F {
  const made = checked(name, parameters, fn);
  makers.add(made);
  return made;
}

/** An initialiser whose arguments are checked. */
export function made(name: string, fn: Initialiser): Initialiser {
  return checked(name, { shape, context }, fn);
}

/**
 * The initial values of a parameter.
 *
 * @param op what errors begin with: the path of the parameter
 * @throws ChainruleError if the initialiser returns no tensor, or one of another shape or dtype
 */
export function initialValues(op: string, init: Initialiser, shape: Shape, context: InitContext): Tensor {
  const { dtype } = context;
  const description = `a tensor ${formatType({ shape, dtype })}`;
  const result = 'the result of its initialiser';
  const values = requireKind(op, result, { ...kinds.tensor, description }, init(shape, context));
  if (values.dtype === dtype && sameShape(values.shape, shape)) return values;
  throw invalid(op, `${result} must be ${description}`, formatType(values));
}

/** A public function that is no initialiser takes other arguments than one. */
function isInitialiser(value: unknown): boolean {
  if (!kinds.callback().accepts(value)) return false;
  const signature = signatureOf(value as object);
  return signature === undefined || 'context' in signature.parameters;
}

const shape: Kind<Shape> = {
  ...kinds.shape,
  explain(op, _name, value): ChainruleError | undefined {
    if (value !== undefined) return undefined;
    return invalid(op, 'is an initialiser itself, which is given to a layer without a call');
  },
};

const contextKinds = {
  dtype: kinds.dtype,
  seed: kinds.axis,
  key: kinds.index,
  fanIn: kinds.nonNegative,
  fanOut: kinds.nonNegative,
};

const context: Kind<InitContext> = kind('an object with dtype, seed, key, fanIn and fanOut', (value) => {
  if (typeof value !== 'object' || value === null) return false;
  const given: { readonly [name: string]: unknown } = { ...value };
  return Object.entries(contextKinds).every(([name, expected]) => expected.accepts(given[name]));
});
