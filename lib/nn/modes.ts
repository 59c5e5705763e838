/** What decides whether a module behaves as in training or as in inference. */
export interface Mode {
  /** As `train` and `eval` set it. */
  readonly training: boolean;
  /** True while `freeze` keeps the module in inference, whatever `train` says. */
  readonly kept: boolean;
}

const modes = new WeakMap<object, Mode>();

/** The modes to go back to, while a function runs in `restoringModes`. */
let changed: Map<object, Mode> | undefined;

/** Modules whose mode is that of another one. */
const leaders = new WeakMap<object, object>();

/** Gives a module the mode of another one from now on. */
export function followMode(module: object, leader: object): void {
  leaders.set(module, leader);
}

/** The module whose mode a module has: itself, or the one that it follows. */
export function modeOwner(module: object): object {
  return leaders.get(module) ?? module;
}

/** The mode of a module; of one whose mode was never set, training. */
export function modeOf(module: object): Mode {
  return modes.get(modeOwner(module)) ?? { training: true, kept: false };
}

/** Sets parts of the mode of a module. */
export function setMode(module: object, change: Partial<Mode>): void {
  const owner = modeOwner(module);
  const mode = modeOf(owner);
  if (changed && !changed.has(owner)) changed.set(owner, mode);
  modes.set(owner, { ...mode, ...change });
}

/** Runs a function, then gives every module the mode that it had before, also those outside of the model. */
export function restoringModes<R>(fn: () => R): R {
  const outer = changed;
  const own = new Map<object, Mode>();
  changed = own;
  try {
    return fn();
  } finally {
    changed = outer;
    for (const [module, mode] of own) setMode(module, mode);
  }
}
