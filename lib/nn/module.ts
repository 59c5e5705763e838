import { invalid, requireInteger } from '../graph/errors.js';
import { type Shape, sameShape } from '../graph/shapes.js';
import type { Tensor } from '../graph/tensor.js';
import { readSafetensors, writeSafetensors } from '../io/safetensors.js';
import { Parameter } from './parameter.js';

/** A parameter and its path in the model. */
export type NamedParameter = readonly [path: string, parameter: Parameter];

/**
 * A layer or a model: its fields that are parameters, modules, or arrays of them are its parts, and their names are
 * the parameters' paths, as `conv1.weight` or `blocks.0.fc.bias`.
 */
export abstract class Module {
  /** Whether layers such as dropout behave as in training. Read when a function that calls `forward` is traced. */
  training = true;

  /** Writes the graph of the module's output for the given inputs. */
  abstract forward(...inputs: Tensor[]): Tensor;

  /** The modules that are fields of this one, by name. */
  namedChildren(): [string, Module][] {
    return this.#parts().filter((part): part is [string, Module] => part[1] instanceof Module);
  }

  /** All parameters with their paths, in the order of the fields. A shared one is listed once. */
  namedParameters(): NamedParameter[] {
    const found = new Map<Parameter, string>();
    this.#collect('', found);
    return [...found].map(([parameter, path]) => {
      parameter.path ||= path;
      return [path, parameter];
    });
  }

  /** All parameters, in the order of the fields. */
  parameters(): Parameter[] {
    return this.namedParameters().map(([, parameter]) => parameter);
  }

  /** Draws the first values of all parameters that have none yet. Without it they are drawn with seed 0 when used. */
  init(seed = 0): this {
    requireInteger('init', 'seed', seed, { min: 0 });
    for (const parameter of this.parameters()) {
      if (parameter.storage.initialised) continue;
      parameter.seed = seed;
      parameter.storage.data;
    }
    return this;
  }

  /** Sets the mode of this module and of all in it: `train(false)` is `eval()`. */
  train(training = true): this {
    this.training = training;
    for (const [, child] of this.namedChildren()) child.train(training);
    return this;
  }

  /** Sets this module and all in it to inference: no dropout. */
  eval(): this {
    return this.train(false);
  }

  /** Writes all parameters to a safetensors file, atomically. */
  async save(path: string, metadata: Readonly<Record<string, string>> = {}): Promise<void> {
    const tensors = this.namedParameters().map(([name, { shape, dtype, storage }]) => [
      name,
      { shape: [...shape], dtype, data: storage.data.slice() },
    ]);
    await writeSafetensors(path, Object.fromEntries(tensors), metadata);
  }

  /**
   * Reads all parameters from a safetensors file.
   *
   * @throws when the file is damaged, or its names, shapes and dtypes are not the model's; then nothing is changed
   */
  async load(path: string): Promise<this> {
    const { tensors } = await readSafetensors(path);
    const parameters = this.namedParameters();
    const names = new Set(parameters.map(([name]) => name));
    const missing = [...names].filter((name) => !tensors[name]);
    const surplus = Object.keys(tensors).filter((name) => !names.has(name));
    if (missing.length > 0 || surplus.length > 0) {
      const parts = [listed('lacks', missing), listed('has also', surplus)].filter(Boolean);
      throw invalid('load', `${path} does not fit the model: it ${parts.join(' and ')}`);
    }
    for (const [name, parameter] of parameters) requireLike(path, name, parameter, tensors[name]);
    for (const [name, parameter] of parameters) {
      const values = tensors[name]?.data;
      if (values) parameter.storage.data.set(values);
    }
    return this;
  }

  #parts(): [string, Module | Parameter][] {
    return Object.entries(this).flatMap(([name, value]): [string, Module | Parameter][] => {
      const entries: [string, unknown][] = Array.isArray(value)
        ? value.map((item, i) => [`${name}.${i}`, item])
        : [[name, value]];
      return entries.filter(isPart);
    });
  }

  #collect(prefix: string, found: Map<Parameter, string>): void {
    for (const [name, part] of this.#parts()) {
      if (part instanceof Module) part.#collect(`${prefix}${name}.`, found);
      else if (!found.has(part)) found.set(part, prefix + name);
    }
  }
}

function isPart(entry: [string, unknown]): entry is [string, Module | Parameter] {
  return entry[1] instanceof Module || entry[1] instanceof Parameter;
}

function listed(verb: string, names: readonly string[]): string {
  return names.length > 0 ? `${verb} ${names.slice(0, 5).join(', ')}${names.length > 5 ? ', ...' : ''}` : '';
}

function requireLike(
  path: string,
  name: string,
  parameter: Tensor,
  tensor: { shape: Shape; dtype: string } | undefined,
): void {
  if (tensor && sameShape(tensor.shape, parameter.shape) && tensor.dtype === parameter.dtype) return;
  const expected = `${parameter.dtype}[${parameter.shape.join(',')}]`;
  throw invalid(
    'load',
    `${name} in ${path} must be ${expected}`,
    `${tensor?.dtype}[${tensor?.shape.join(',')}]`,
  );
}
