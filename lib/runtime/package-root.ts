import { existsSync } from 'node:fs';

/** The root folder of this package. Searched upwards, as sources and published code lie at different depths. */
export const packageRoot: URL = find(new URL('.', import.meta.url));

function find(folder: URL): URL {
  if (existsSync(new URL('package.json', folder))) return folder;
  return find(new URL('..', folder));
}

/** The URL of a compiled module to start threads with, such as `lib/profile/peak-worker.js`. */
export function compiledModule(path: string): URL {
  return new URL(`dist/${path}`, packageRoot);
}
