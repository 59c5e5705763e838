import { followMode } from '../../nn/modes.js';
import { type AnyModule, Module, type NamedParameter } from '../../nn/module.js';

type NamedBuffer = ReturnType<AnyModule['namedBuffers']>[number];

/** A model with the modules that are trained and saved with it, such as a loss with parameters. */
class ModelWithExtras extends Module<never, object> {
  readonly #model: AnyModule;

  constructor(
    model: AnyModule,
    readonly extraModules: readonly AnyModule[],
  ) {
    super();
    this.#model = model;
    followMode(this, model);
    Object.defineProperty(this, 'preprocessing', { get: () => model.preprocessing });
  }

  forward(...inputs: never): object {
    return this.#model.forward(...inputs);
  }

  override namedChildren(): [string, AnyModule][] {
    return [...this.#model.namedChildren(), ...super.namedChildren()];
  }

  override namedParameters(): NamedParameter[] {
    return distinct([...this.#model.namedParameters(), ...super.namedParameters()]);
  }

  override namedBuffers(): NamedBuffer[] {
    return distinct([...this.#model.namedBuffers(), ...super.namedBuffers()]);
  }

  override train(training = true): this {
    if (training) this.#model.train(true);
    else this.#model.eval();
    for (const module of this.extraModules) {
      if (training) module.train(true);
      else module.eval();
    }
    return this;
  }
}

/** The model that a trainer trains: the user's own, with extra modules if there are any. */
export function withExtras(model: AnyModule, extraModules: readonly AnyModule[] = []): AnyModule {
  return extraModules.length === 0 ? model : new ModelWithExtras(model, [...extraModules]);
}

/** Named parts, each listed once, with its first name. */
function distinct<P>(named: readonly (readonly [string, P])[]): [string, P][] {
  const names = new Map<P, string>();
  for (const [name, part] of named) if (!names.has(part)) names.set(part, name);
  return [...names].map(([part, name]) => [name, part]);
}
