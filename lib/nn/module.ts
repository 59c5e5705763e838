import { checkMethods } from '../graph/arguments/checked.js';
import { either, optional, requireKind } from '../graph/arguments/kind.js';
import * as kinds from '../graph/arguments/kinds.js';
import { optionsOf } from '../graph/arguments/options.js';
import { invalid } from '../graph/errors.js';
import type { StructureOf } from '../graph/structure.js';
import type { Tensor } from '../graph/tensor.js';
import { guard, noteModeRead } from '../graph/trace.js';
import { bytes, namedTensors } from '../io/kinds.js';
import { openTensors } from '../io/open-tensors.js';
import { labelOfFile } from '../io/random-access.js';
import { writeSafetensors } from '../io/safetensors.js';
import { inMemory } from '../io/stored-tensor.js';
import { Buffer } from './buffer.js';
import { noteMaker } from './maker.js';
import { modeOf, setMode } from './modes.js';
import { Parameter } from './parameter.js';
import { type Preprocessing, preprocessingIn, withPreprocessing } from './preprocessing.js';
import type { Axes } from './state/axes.js';
import { stateOf } from './state/current.js';
import { loadInto } from './state/load.js';
import {
  type LoadOptions,
  loadOptions,
  type SaveOptions,
  type StateOptions,
  saveOptions,
  stateOptions,
} from './state/options.js';
import type { LoadReport } from './state/report.js';
import type { State } from './state/stored-state.js';
import type { NamedVariable } from './state/variables.js';

/** A parameter and its path in the model. */
export type NamedParameter = readonly [path: string, parameter: Parameter];

/** A module with any inputs and outputs. */
export type AnyModule = Module<never, object>;

type Member = AnyModule | Parameter | Buffer;

/** Options of `Module.freeze`. */
export interface FreezeOptions {
  /**
   * What becomes of running statistics. 'keep': the module stays in inference, so that batch normalisation uses the
   * statistics that it has, and dropout is off. 'update': the module follows `train()` and `eval()` as before, so that
   * in training batch normalisation uses and tracks the statistics of the batch. Default 'keep'.
   */
  readonly statistics?: 'keep' | 'update';
}

const freezeOptions = optionsOf<FreezeOptions>({ statistics: kinds.oneOf('keep', 'update') });

/** All parameters of a module, then all buffers, in the order of the fields and with all their paths. */
export let variablesOf: (module: AnyModule) => NamedVariable[];

/** Prefix of the names in a checkpoint file whose tensors belong to the training run, not to the model. */
export const TRAINING_PREFIX = 'training/';

/** Prefixes of the names in a checkpoint that belong to the run, or to the parts of a trainer's `extraModules`. */
const ofTraining = [TRAINING_PREFIX, 'extraModules.'];

/** The arguments of `forward` for the inputs of a model: a list of inputs is several arguments, a record one. */
export type ForwardArguments<Inputs> = Inputs extends Tensor
  ? [input: Inputs]
  : Inputs extends readonly Tensor[]
    ? [...Inputs]
    : [inputs: Inputs];

/**
 * A layer or a model. Its parts are the fields that hold parameters, buffers or modules, or arrays and plain objects
 * of them; the names of the fields form the paths, such as `conv1.weight` or `blocks.0.fc.bias`.
 *
 * A model of several inputs or outputs says which they are, as lists or records of tensors:
 *
 *     class Ratings extends nn.Module<{ user: Tensor; item: Tensor }, { rating: Tensor }> {
 *       forward({ user, item }: { user: Tensor; item: Tensor }) { ... }
 *     }
 *
 * @typeParam Inputs a tensor, a list of tensors, which `forward` takes as several arguments, or a record, which is one
 * @typeParam Output what `forward` returns: a tensor, a list or a record of tensors
 */
export abstract class Module<
  Inputs extends StructureOf<Inputs, Tensor> = Tensor[],
  Output extends StructureOf<Output, Tensor> = Tensor,
> {
  static {
    variablesOf = (module) => module.#variables();
  }

  /**
   * What is done to inputs before `forward` in `Trainer.predict`; undefined for nothing. It is saved with the model, and
   * restored by `load` from a file that has it. Data sets take it as their transforms:
   *
   *     model.preprocessing = [data.normalize({ mean: 0.1307, std: 0.3081, divisor: 255 })];
   *     const samples = digits.transform(model.preprocessing);
   */
  declare preprocessing?: Preprocessing;

  /** A class without a constructor of its own hands its arguments on to here, where they are refused. */
  constructor(...surplus: []) {
    const [first]: readonly unknown[] = surplus;
    if (surplus.length > 0) throw invalid(new.target.name, 'takes no further argument', first);
    noteMaker(this, Module);
  }

  /**
   * True if layers such as dropout behave as in training; always false for a module that `freeze` keeps in inference.
   * Read when a function that calls `forward` is traced; a compiled function is traced again when the mode of a module
   * that it read has changed.
   */
  get training(): boolean {
    const read = this.#isTraining();
    guard(() => this.#isTraining() === read);
    noteModeRead(this, read);
    return read;
  }

  set training(training: boolean) {
    setMode(this, { training: requireKind(this.constructor.name, 'training', kinds.boolean, training) });
  }

  /** Builds the graph of the module's output for the given inputs. */
  abstract forward(...inputs: ForwardArguments<Inputs>): Output;

  /** The modules that are fields of this one, by name. */
  namedChildren(): [string, AnyModule][] {
    return this.#parts().filter((part): part is [string, AnyModule] => part[1] instanceof Module);
  }

  /** All parameters with their paths, in the order of the fields. A shared one is listed once. */
  namedParameters(): NamedParameter[] {
    return this.#named(Parameter);
  }

  /** All buffers with their paths, in the order of the fields. A shared one is listed once. */
  namedBuffers(): [path: string, buffer: Buffer][] {
    return this.#named(Buffer);
  }

  /** All parameters, in the order of the fields. */
  parameters(): Parameter[] {
    return this.namedParameters().map(([, parameter]) => parameter);
  }

  /**
   * Draws the initial values of all parameters that have none yet; otherwise they are drawn with seed 0 at first use.
   */
  init(seed = 0): this {
    for (const parameter of this.parameters()) {
      if (parameter.storage.initialised) continue;
      parameter.seed = seed;
      parameter.storage.data;
    }
    return this;
  }

  /** Sets the mode of this module and of all modules in it: `train(false)` is `eval()`. */
  train(training = true): this {
    this.training = training;
    // Each by its own method, which its class may have overridden.
    for (const [, child] of this.namedChildren()) {
      if (training) child.train(true);
      else child.eval();
    }
    return this;
  }

  /**
   * Sets this module and all modules in it to inference: no dropout, and running statistics instead of the batch's
   * own. `Trainer.fit` keeps a part in inference on which it was called while the model itself is in training; the
   * mode of the model does not matter to `fit`.
   */
  eval(): this {
    return this.train(false);
  }

  /**
   * Excludes all parameters of this module from training, and keeps it and all modules in it in inference: dropout is
   * off, and running statistics stay. With `{ statistics: 'update' }` only the parameters are frozen. `unfreeze()`, or
   * `freeze(false)`, undoes it.
   *
   *     model.backbone.freeze(); // fine-tune the head alone
   */
  freeze(options: boolean | FreezeOptions = true): this {
    const frozen = options !== false;
    const { statistics = 'keep' } = typeof options === 'boolean' ? {} : options;
    setMode(this, { kept: frozen && statistics === 'keep' });
    for (const parameter of this.parameters()) parameter.trainable = !frozen;
    for (const [, child] of this.namedChildren()) child.freeze(options);
    return this;
  }

  /** Undoes `freeze`: optimisers change the parameters again, and the modules follow `train()` and `eval()`. */
  unfreeze(): this {
    return this.freeze(false);
  }

  /**
   * The parameters of this layer whose axes stand in another order in PyTorch, by field: axis `i` of ours is axis `axes[i]`
   * there. A layer with weights of its own that were made in PyTorch overrides it.
   */
  pytorchAxes(): Readonly<Record<string, Axes>> {
    return {};
  }

  /**
   * A copy of all parameters and buffers by name. While they are being trained, those of one whole step are given.
   *
   *     await other.loadState(await model.state());
   */
  async state({ layout = 'chainrule' }: StateOptions = {}): Promise<State> {
    return await stateOf('state', this.#variables(), layout);
  }

  /**
   * Loads a state from memory, as `load` does a file.
   *
   * @returns what did not fit, which with `strict: true`, the default, is an error instead
   * @throws as `load`; the model is then unchanged
   */
  async loadState(state: State, options: LoadOptions = {}): Promise<LoadReport> {
    return await loadInto('loadState', 'the state', this.#variables(), inMemory(state), options);
  }

  /**
   * Writes all parameters and buffers to a safetensors file, atomically. While they are being trained, those of one whole
   * step are written.
   *
   * @param options.layout 'pytorch' writes what a PyTorch model of the same layers loads
   */
  async save(path: string, { metadata = {}, layout = 'chainrule' }: SaveOptions = {}): Promise<void> {
    const texts = withPreprocessing('save', this.preprocessing, metadata);
    await writeSafetensors(path, await stateOf('save', this.#variables(), layout), texts);
  }

  /**
   * Loads the values of all parameters and buffers from a safetensors file, a checkpoint of `fit`, the files of a model in
   * parts with their index, a state dict of `torch.save`, or an .npz or .npy file. Calls of compiled functions see the values
   * before, or those of the file, and never a mixture.
   *
   * @param path of the file, or the bytes of one in any of these formats, which must not change until the promise resolves
   * @returns what did not fit, which with `strict: true`, the default, is an error instead
   * @throws if the file is damaged, if names, shapes or dtypes are not the model's, with all that differ, or if the
   *   parameters are being trained; the model is then unchanged
   */
  async load(path: string | Uint8Array, options: LoadOptions = {}): Promise<LoadReport> {
    const source = labelOfFile(path);
    const file = await openTensors(path);
    try {
      const own = [...file.tensors].filter(([name]) => !ofTraining.some((prefix) => name.startsWith(prefix)));
      const found = preprocessingIn(source, file.metadata);
      const report = await loadInto('load', source, this.#variables(), new Map(own), options);
      if (found !== undefined) this.preprocessing = found;
      return report;
    } finally {
      await file.close();
    }
  }

  #isTraining(): boolean {
    const { training, kept } = modeOf(this);
    return training && !kept;
  }

  /** All parameters, then all buffers, in the order of the fields. */
  #variables(): NamedVariable[] {
    const found = new Map<Parameter | Buffer, { paths: [string, ...string[]]; pytorch: Axes | undefined }>();
    const collect = (module: AnyModule, prefix: string) => {
      const axes = module.pytorchAxes();
      for (const [name, part] of module.#parts()) {
        if (part instanceof Module) collect(part, `${prefix}${name}.`);
        else if (found.has(part)) found.get(part)?.paths.push(prefix + name);
        else {
          if (part instanceof Parameter) part.path ||= prefix + name;
          found.set(part, { paths: [prefix + name], pytorch: axes[name] });
        }
      }
    };
    collect(this, '');
    const all = [...found].map(([variable, more]) => ({ variable, ...more }));
    return [Parameter, Buffer].flatMap((kind) => all.filter(({ variable }) => variable instanceof kind));
  }

  #parts(): [string, Member][] {
    const seen = new Set<unknown>();
    return Object.entries(this).flatMap(([name, value]) => membersIn(name, value, seen));
  }

  #named<P extends Parameter | Buffer>(kind: new (...args: never[]) => P): [string, P][] {
    return this.#variables().flatMap(({ paths: [path], variable }) =>
      variable instanceof kind ? [[path, variable]] : [],
    );
  }
}

checkMethods(Module, {
  namedChildren: {},
  namedParameters: {},
  namedBuffers: {},
  parameters: {},
  init: { seed: optional(kinds.index) },
  train: { training: optional(kinds.boolean) },
  eval: {},
  freeze: { options: optional(either(kinds.boolean, freezeOptions)) },
  unfreeze: {},
  pytorchAxes: {},
  state: { options: optional(stateOptions) },
  loadState: { state: namedTensors, options: optional(loadOptions) },
  save: { path: kinds.string, options: optional(saveOptions) },
  load: { path: either(kinds.string, bytes), options: optional(loadOptions) },
});

/** The parts in a field: its value, or the values in arrays and plain objects, at any depth. */
function membersIn(path: string, value: unknown, seen: Set<unknown>): [string, Member][] {
  if (isMember(value)) return [[path, value]];
  if (typeof value !== 'object' || value === null || seen.has(value)) return [];
  if (!Array.isArray(value) && !isPlain(value)) return [];
  seen.add(value);
  return Object.entries(value).flatMap(([name, entry]) => membersIn(`${path}.${name}`, entry, seen));
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

function isMember(value: unknown): value is Member {
  return [Module, Parameter, Buffer].some((kind) => value instanceof kind);
}
