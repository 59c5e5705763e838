import { context, within } from '../graph/context.js';
import { ChainruleError, inLayer } from '../graph/errors.js';
import type { Origin } from '../graph/origin.js';
import { Tensor } from '../graph/tensor.js';
import type { Module } from '../nn/module.js';
import { MODEL, modulesOf } from '../nn/module-tree.js';

/** One recorded call of a module's `forward`. */
export interface LayerCall {
  readonly path: string;
  readonly module: Module;
  readonly output: Tensor;
}

/** Layer of nodes outside of all modules, which compute the loss from the model's output. */
export const LOSS = '(loss)';

/**
 * Runs a function and records each call of the model's modules, inner calls before outer ones. Nodes made meanwhile get
 * the innermost module as their origin, or `LOSS` outside of all modules. The modules' `forward` is replaced during the
 * run and restored afterwards, even if the function throws.
 */
export function recordCalls<R>(model: Module, fn: () => R): { result: R; calls: LayerCall[] } {
  const calls: LayerCall[] = [];
  const restore: (() => void)[] = [];
  try {
    for (const [path, module] of modulesOf(model)) restore.push(watch(path, module, calls));
    return { result: forwardIn(LOSS, fn), calls };
  } finally {
    for (const undo of restore) undo();
  }
}

/** Runs a function whose nodes belong to the forward phase of a layer. */
function forwardIn<R>(layer: string, fn: () => R): R {
  const origin: Origin = { layer, phase: 'forward' };
  return within({ ...context(), origin }, fn);
}

/**
 * Runs a function that traces a model. If an error of the library ends it, the function is run once more, with calls
 * recorded, and the error names the layer.
 */
export function namingLayers<R>(model: Module, fn: () => R): R {
  try {
    return fn();
  } catch (error) {
    if (!(error instanceof ChainruleError)) throw error;
    const layer = failingLayer(model, fn);
    throw layer === undefined ? error : inLayer(error, layer);
  }
}

function failingLayer(model: Module, fn: () => unknown): string | undefined {
  try {
    recordCalls(model, fn);
    return undefined;
  } catch (error) {
    return error instanceof ChainruleError ? error.layer : undefined;
  }
}

/** Adds the path of a layer to the errors of the library that a function throws; the model itself has none. */
function naming<R>(path: string, fn: () => R): R {
  try {
    return fn();
  } catch (error) {
    throw error instanceof ChainruleError && path !== MODEL ? inLayer(error, path) : error;
  }
}

function watch(path: string, module: Module, calls: LayerCall[]): () => void {
  const own = Object.getOwnPropertyDescriptor(module, 'forward');
  const forward = module.forward;
  const watched = (...inputs: Tensor[]): Tensor => {
    const output = naming(path, () => forwardIn(path, () => forward.apply(module, inputs)));
    if (output instanceof Tensor) calls.push({ path, module, output });
    return output;
  };
  Object.defineProperty(module, 'forward', { value: watched, configurable: true, writable: true });
  return () => {
    if (own) Object.defineProperty(module, 'forward', own);
    else Reflect.deleteProperty(module, 'forward');
  };
}
