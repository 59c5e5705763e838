import { guarded, type MethodParameters, refusalOf, type Signature } from '../graph/arguments/checked.js';
import { invalid } from '../graph/errors.js';
import { Tensor } from '../graph/tensor.js';
import { type AnyModule, Module } from './module.js';

type Parameters = Signature['parameters'];
type Method = (...given: never[]) => unknown;

const names = new WeakMap<object, string>();
const checkedMethods = new WeakSet<object>();
const methodNames = new WeakMap<object, readonly string[]>();

/** Gives the public name of a layer, which its errors begin with, and those of classes that extend it. */
export function nameLayer(name: string, type: { readonly prototype: Module }): void {
  names.set(type.prototype, name);
}

/**
 * Has the inputs of a layer's methods checked: `forward`, and the method that takes more than tensors, which errors of
 * `forward` then show. Methods that override these are not checked.
 *
 *     checkLayer(LSTM, { forward: { x: kinds.tensor }, run: { x: kinds.tensor, options: optional(inputs) } });
 */
export function checkLayer<T extends Module>(
  type: { readonly prototype: T },
  methods: MethodParameters<T>,
): void {
  const { forward, ...others } = methods as { readonly [name: string]: Parameters };
  methodNames.set(type.prototype, ['forward', ...Object.keys(others)]);
  const [more] = Object.entries(others);
  if (forward) replace(type.prototype, 'forward', forward, more && callOf(...more));
  for (const [name, parameters] of Object.entries(others)) replace(type.prototype, name, parameters);
}

/** True if a method checks its inputs already. */
export function isChecked(method: object): boolean {
  return checkedMethods.has(method);
}

/** The methods by which a layer computes its output: `forward`, and one that takes more than tensors. */
export function computingMethods(layer: AnyModule): readonly string[] {
  return ownOrInherited(methodNames, layer) ?? ['forward'];
}

/** @param more the call that takes more than `forward` does */
function replace(prototype: Module, name: string, parameters: Parameters, more?: string): void {
  const refuse = refusalOf(parameters);
  const value = guarded(name, Reflect.get(prototype, name) as Method, (layer, given) => {
    if (!(layer instanceof Module)) return invalid(name, 'must be called as a method of its layer', layer);
    const error = refuse(nameOf(layer), given);
    if (!error || !more || error.received === undefined || !(given[0] instanceof Tensor)) return error;
    return invalid(error.op, `${error.expected}; ${more} takes more`, error.received);
  });
  checkedMethods.add(value);
  Object.defineProperty(prototype, name, { value, writable: true, configurable: true });
}

/** The public name of a layer's class, or of the one that it extends. */
function nameOf(layer: AnyModule): string {
  return ownOrInherited(names, layer) ?? layer.constructor.name;
}

/** What is known of a layer's class, or of the nearest one that it extends. */
function ownOrInherited<T>(known: WeakMap<object, T>, layer: AnyModule): T | undefined {
  for (let type: object | null = Object.getPrototypeOf(layer); type; type = Object.getPrototypeOf(type)) {
    const found = known.get(type);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** A call as an error shows it: `run(x, { lengths, state })`. */
function callOf(name: string, parameters: Parameters): string {
  const shown = Object.entries(parameters).map(([parameter, kind]) =>
    'kinds' in kind ? `{ ${Object.keys(kind.kinds as object).join(', ')} }` : parameter,
  );
  return `${name}(${shown.join(', ')})`;
}
