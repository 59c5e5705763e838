import { rest } from '../graph/arguments/checked.js';
import { tensor } from '../graph/arguments/kinds.js';
import * as nn from './index.js';
import { checkLayer, isChecked, nameLayer } from './layer-methods.js';
import { Module } from './module.js';

// The forward method of every layer checks its inputs: one tensor, or any number of them where it declares so, unless
// the layer's file says otherwise.

for (const [name, type] of Object.entries(nn)) {
  if (!isLayer(type)) continue;
  nameLayer(name, type);
  const prototype = ownerOfForward(type.prototype);
  const { forward } = prototype;
  if (isChecked(forward)) continue;
  checkLayer({ prototype }, { forward: { input: forward.length > 0 ? tensor : rest(tensor) } });
}

function isLayer(value: unknown): value is { readonly prototype: Module } {
  return typeof value === 'function' && value.prototype instanceof Module;
}

/** The prototype whose own forward method a layer has: that of its class, or of one that this extends. */
function ownerOfForward(prototype: Module): Module {
  return Object.hasOwn(prototype, 'forward') ? prototype : ownerOfForward(Object.getPrototypeOf(prototype));
}
