import type { AnyModule } from '../../nn/index.js';
import { type Mode, modeOf, restoringModes, setMode } from '../../nn/modes.js';
import { MODEL, modulesOf } from '../../nn/module-tree.js';
import { enumerate } from '../../text/names.js';

/** The modes of the modules of a model. */
export type Modes = ReadonlyMap<AnyModule, Mode>;

/** A part of a model that training keeps in inference. */
export interface KeptPart {
  /** Path of the module; `(model)` for the model itself. */
  readonly path: string;
  /** What keeps it there: `freeze()`, or `eval()` of that part. */
  readonly by: 'freeze' | 'eval';
}

/**
 * The modes in which a model is trained: all modules in training, even if the model is in inference, but for those that
 * are frozen, those that `eval()` was called on while the model itself is in training, and those that the model's own
 * `train()` puts into inference. The model keeps the modes that it has.
 */
export function trainingModes(model: AnyModule): Modes {
  return restoringModes(() => {
    const before = [...modulesOf(model).values()];
    const evaluated = modeOf(model).training ? before.filter((module) => !modeOf(module).training) : [];
    model.train(true);
    for (const module of evaluated) setMode(module, { training: false });
    return new Map([...modulesOf(model).values()].map((module) => [module, modeOf(module)]));
  });
}

/** Runs a function with modules in the given modes, and restores those that they have. */
export function inModes<R>(modes: Modes, fn: () => R): R {
  return restoringModes(() => {
    for (const [module, mode] of modes) setMode(module, mode);
    return fn();
  });
}

/** Runs a function with a model in inference, and restores the modes of its modules. */
export function inInference<R>(model: AnyModule, fn: () => R): R {
  return restoringModes(() => {
    model.eval();
    return fn();
  });
}

/** The parts of a model that are in inference in the given modes, without the parts of these. */
export function keptParts(model: AnyModule, modes: Modes): KeptPart[] {
  const isKept = (module: AnyModule) => {
    const { training, kept } = modes.get(module) ?? modeOf(module);
    return kept || !training;
  };
  const parents = new Map<AnyModule, AnyModule>();
  const all = modulesOf(model);
  for (const module of all.values()) {
    for (const [, child] of module.namedChildren()) if (!parents.has(child)) parents.set(child, module);
  }
  return [...all].flatMap(([path, module]): KeptPart[] => {
    const parent = path === MODEL ? undefined : parents.get(module);
    if (!isKept(module) || (parent && isKept(parent))) return [];
    return [{ path, by: modes.get(module)?.kept ? 'freeze' : 'eval' }];
  });
}

/** Names kept parts with what keeps them, as `backbone (frozen) and norm (eval)`. */
export function describeKept(parts: readonly KeptPart[]): string {
  return enumerate(parts.map(({ path, by }) => `${path} (${by === 'freeze' ? 'frozen' : 'eval'})`));
}
