import { within } from '../graph/place.js';
import { Tensor, upcomingId } from '../graph/tensor.js';
import type { Module } from '../nn/module.js';

/** One call of a module's `forward` while a function ran. */
export interface LayerCall {
  readonly path: string;
  readonly module: Module;
  readonly output: Tensor;
  /** The ids of the nodes that it made: from `first` to below `end`. */
  readonly first: number;
  readonly end: number;
}

/** The name of the model itself, which has no path. */
export const MODEL = '(model)';

/** What computes the loss of a model's output belongs to no module. */
export const LOSS = '(loss)';

/**
 * Runs a function and notes each call of a module of the model, inner calls before outer ones. For that time the
 * modules' `forward` is another; afterwards it is as before, also where the function throws.
 */
export function recordCalls<R>(model: Module, fn: () => R): { result: R; calls: LayerCall[] } {
  const calls: LayerCall[] = [];
  const restore: (() => void)[] = [];
  try {
    for (const [path, module] of modulesOf(model)) restore.push(watch(path, module, calls));
    return { result: fn(), calls };
  } finally {
    for (const undo of restore) undo();
  }
}

/** All modules with their paths, the model first. A shared one is listed once. */
function modulesOf(model: Module): Map<string, Module> {
  const found = new Map<string, Module>();
  const seen = new Set<Module>();
  const collect = (path: string, module: Module) => {
    if (seen.has(module)) return;
    seen.add(module);
    found.set(path || MODEL, module);
    for (const [name, child] of module.namedChildren()) collect(path ? `${path}.${name}` : name, child);
  };
  collect('', model);
  return found;
}

function watch(path: string, module: Module, calls: LayerCall[]): () => void {
  const own = Object.getOwnPropertyDescriptor(module, 'forward');
  const forward = module.forward;
  const watched = (...inputs: Tensor[]): Tensor => {
    const first = upcomingId();
    const output = within({ layer: path, phase: 'forward' }, () => forward.apply(module, inputs));
    if (output instanceof Tensor) calls.push({ path, module, output, first, end: upcomingId() });
    return output;
  };
  Object.defineProperty(module, 'forward', { value: watched, configurable: true, writable: true });
  return () => {
    if (own) Object.defineProperty(module, 'forward', own);
    else Reflect.deleteProperty(module, 'forward');
  };
}

/** The innermost call that made a node; undefined for one that was made outside of all modules. */
export function callOf(node: Tensor, calls: readonly LayerCall[]): LayerCall | undefined {
  return calls.find(({ first, end }) => first <= node.id && node.id < end);
}
