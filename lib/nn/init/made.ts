import { checked, type Signature, signatureOf } from '../../graph/arguments/checked.js';
import { type Kind, kind } from '../../graph/arguments/kind.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { isDType } from '../../graph/dtype.js';
import { type ChainruleError, formatType, invalid } from '../../graph/errors.js';
import { type Shape, sameShape } from '../../graph/shapes.js';
import { Tensor } from '../../graph/tensor.js';
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
  const values: unknown = init(shape, context);
  const expected = { shape, dtype: context.dtype };
  const isTensor = values instanceof Tensor;
  if (isTensor && values.dtype === context.dtype && sameShape(values.shape, shape)) return values;
  throw invalid(
    op,
    `its initialiser must return a tensor ${formatType(expected)}`,
    isTensor ? formatType(values) : values,
  );
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

const context: Kind<InitContext> = kind('an object with dtype, seed, key, fanIn and fanOut', (value) => {
  if (typeof value !== 'object' || value === null) return false;
  const { dtype, ...numbers } = value as Partial<InitContext>;
  const { seed, key, fanIn, fanOut } = numbers;
  return isDType(dtype) && [seed, key, fanIn, fanOut].every((number) => typeof number === 'number');
});
