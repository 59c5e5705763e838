import { isRecord } from '../graph/arguments/is-record.js';
import { context, within } from '../graph/context.js';
import { ChainruleError, inLayer } from '../graph/errors.js';
import type { Origin } from '../graph/origin.js';
import { Tensor } from '../graph/tensor.js';
import type { AnyModule } from '../nn/module.js';
import { MODEL, modulesOf } from '../nn/module-tree.js';

/** One recorded call of a module's `forward`. */
export interface LayerCall {
  readonly path: string;
  readonly module: AnyModule;
  /** The tensors that the call was given, alone or in records. */
  readonly inputs: readonly Tensor[];
  readonly output: Tensor;
}

/** Layer of nodes outside of all modules, which compute the loss from the model's output. */
export const LOSS = '(loss)';

/**
 * Runs a function and records each call of the model's modules, inner calls before outer ones. Nodes made meanwhile get
 * the innermost module as their origin, or `LOSS` outside of all modules. The modules' `forward` is replaced during the
 * run and restored afterwards, even if the function throws.
 *
 * @param methodsOf the methods of a module whose calls are recorded; `forward` alone by default
 */
export function recordCalls<R>(
  model: AnyModule,
  fn: () => R,
  methodsOf: (module: AnyModule) => readonly string[] = () => ['forward'],
): { result: R; calls: LayerCall[] } {
  const calls: LayerCall[] = [];
  const restore: (() => void)[] = [];
  try {
    for (const [path, module] of modulesOf(model)) {
      const record = recorder(path, module, calls);
      for (const name of methodsOf(module)) restore.push(watch(name, module, record));
    }
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
export function namingLayers<R>(model: AnyModule, fn: () => R): R {
  try {
    return fn();
  } catch (error) {
    if (!(error instanceof ChainruleError)) throw error;
    const layer = failingLayer(model, fn);
    throw layer === undefined ? error : inLayer(error, layer);
  }
}

function failingLayer(model: AnyModule, fn: () => unknown): string | undefined {
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

type Method = (...given: unknown[]) => unknown;
type Recorder = (given: readonly unknown[], run: () => unknown) => unknown;

/** Records the calls of a module, but not those that it makes of its own methods meanwhile. */
function recorder(path: string, module: AnyModule, calls: LayerCall[]): Recorder {
  let running = false;
  return (given, run) => {
    if (running) return run();
    running = true;
    try {
      const result = naming(path, () => forwardIn(path, run));
      const output = outputOf(result);
      if (output) calls.push({ path, module, inputs: given.flatMap(tensorsIn), output });
      return result;
    } finally {
      running = false;
    }
  };
}

/** The tensors of an argument: itself, or those of a record. */
function tensorsIn(argument: unknown): Tensor[] {
  const values = isRecord(argument) ? Object.values(argument) : [argument];
  return values.filter((value) => value instanceof Tensor);
}

/** The tensor that a method gives: the result itself, the first of a list, or the output beside a state. */
function outputOf(result: unknown): Tensor | undefined {
  if (result instanceof Tensor) return result;
  if (typeof result !== 'object' || result === null) return undefined;
  const output: unknown = Array.isArray(result) ? result[0] : Reflect.get(result, 'output');
  return output instanceof Tensor ? output : undefined;
}

function watch(name: string, module: AnyModule, record: Recorder): () => void {
  const own = Object.getOwnPropertyDescriptor(module, name);
  const method = Reflect.get(module, name) as Method;
  const watched = (...given: unknown[]) => record(given, () => method.apply(module, given));
  Object.defineProperty(module, name, { value: watched, configurable: true, writable: true });
  return () => {
    if (own) Object.defineProperty(module, name, own);
    else Reflect.deleteProperty(module, name);
  };
}
