import { either, type Kind, requireKind } from '../graph/arguments/kind.js';
import { instance, integer, none, tensor } from '../graph/arguments/kinds.js';
import { type ChainruleError, invalid } from '../graph/errors.js';
import type { Tensor } from '../graph/tensor.js';
import { Module } from './module.js';

/** A module that computes in other methods than `forward` as well, such as a loss with parameters. */
export const moduleOfAnyKind: Kind<Module> = { ...instance(Module, 'a module'), explain: explainClass };

/** A module that is called: a model, or a part of a layer. */
export const module: Kind<Module> = {
  description: moduleOfAnyKind.description,
  accepts: (value) => value instanceof Module && hasForward(value),
  explain: (op, name, value) =>
    value instanceof Module && !hasForward(value)
      ? withoutForward(op, name, value)
      : explainClass(op, name, value),
};

/** A number of layers in a stack: each takes memory as soon as it is made. */
export const layerCount: Kind<number> = integer({ min: 1, max: 2 ** 16 });

/** A mask, which null leaves out as undefined does. */
export const mask: Kind<Tensor | null> = either(tensor, none);

/** Checks what a module or a function of the user's returned. */
export function requireTensor(op: string, what: string, value: unknown): Tensor {
  return requireKind(op, `the result of ${what}`, tensor, value);
}

/** The method is abstract, which only the compiler knows. */
function hasForward(value: Module): boolean {
  return typeof Reflect.get(value, 'forward') === 'function';
}

function withoutForward(op: string, name: string, value: Module): ChainruleError {
  const { name: type } = value.constructor;
  const called = 'call' in value ? ', which its method call seems to be meant as' : '';
  return invalid(
    op,
    `${name} must be a module with a method forward: ${type} has no method forward${called}`,
  );
}

/** The error for a class of layers in place of a layer. */
function explainClass(op: string, name: string, value: unknown): ChainruleError | undefined {
  if (typeof value !== 'function' || !(value.prototype instanceof Module)) return undefined;
  return invalid(op, `${name} must be a module, which new ${value.name}(...) makes`, value);
}
