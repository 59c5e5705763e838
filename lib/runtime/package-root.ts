import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

/** The root folder of this package. Searched upwards, as sources and published code lie at different depths. */
export const packageRoot: URL = find(new URL('.', import.meta.url));

/** `require` as from a module of this package. */
export const requireHere: NodeJS.Require = createRequire(new URL('package.json', packageRoot));

function find(folder: URL): URL {
  if (existsSync(new URL('package.json', folder))) return folder;
  const above = new URL('..', folder);
  // Code in a bundle may have no package around it; what needs the files of this one says so.
  return above.href === folder.href ? folder : find(above);
}

/** The URL of a compiled module to start threads with, such as `lib/profile/peak-worker.js`. */
export function compiledModule(path: string): URL {
  return new URL(`dist/${path}`, packageRoot);
}

/** The name and the version of the package at its root: those of another one, or none, for code in a bundle. */
export function manifest(): { readonly name?: string; readonly version?: string } {
  try {
    return JSON.parse(readFileSync(new URL('package.json', packageRoot), 'utf8'));
  } catch {
    return {};
  }
}
