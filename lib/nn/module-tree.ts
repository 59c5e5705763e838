import type { Module } from './module.js';

/** Name of the model itself, which has no path. */
export const MODEL = '(model)';

/** A model and all modules in it by path, outer ones before those in them. A shared module is listed once. */
export function modulesOf(model: Module): Map<string, Module> {
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
