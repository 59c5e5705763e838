import { either, type Kind, requireKind } from '../graph/arguments/kind.js';
import { callback, instance, integer, none, tensor } from '../graph/arguments/kinds.js';
import { type ChainruleError, invalid } from '../graph/errors.js';
import type { Tensor } from '../graph/tensor.js';
import type { Loss, Sums } from './losses.js';
import { Module } from './module.js';

/** A module that is part of a layer. */
export const module: Kind<Module> = { ...instance(Module, 'a module'), explain: explainClass };

/** A number of layers in a stack: each takes memory as soon as it is made. */
export const layerCount: Kind<number> = integer({ min: 1, max: 2 ** 16 });

/** A mask, which null leaves out as undefined does. */
export const mask: Kind<Tensor | null> = either(tensor, none);

export const lossFunction: Kind<Loss<Tensor | Sums>> = callback('a function such as nn.crossEntropy');

/** Checks what a module or a function of the user's returned. */
export function requireTensor(op: string, what: string, value: unknown): Tensor {
  return requireKind(op, `the result of ${what}`, tensor, value);
}

/** The error for a class of layers in place of a layer. */
function explainClass(op: string, name: string, value: unknown): ChainruleError | undefined {
  if (typeof value !== 'function' || !(value.prototype instanceof Module)) return undefined;
  return invalid(op, `${name} must be a module, which new ${value.name}(...) makes`, value);
}
