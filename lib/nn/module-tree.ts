import type { AnyModule } from './module.js';

/** Name of the model itself, which has no path. */
export const MODEL = '(model)';

/** A model and all modules in it by path, outer ones before those in them. A shared module is listed once. */
export function modulesOf(model: AnyModule): Map<string, AnyModule> {
  const found = new Map<string, AnyModule>();
  const seen = new Set<AnyModule>();
  const collect = (path: string, module: AnyModule) => {
    if (seen.has(module)) return;
    seen.add(module);
    found.set(path || MODEL, module);
    for (const [name, child] of module.namedChildren()) collect(path ? `${path}.${name}` : name, child);
  };
  collect('', model);
  return found;
}
