import { existsSync } from 'node:fs';

/** The folder of this package, which holds its package.json. The published code lies in other files than the sources. */
export const packageRoot: URL = find(new URL('.', import.meta.url));

function find(folder: URL): URL {
  if (existsSync(new URL('package.json', folder))) return folder;
  return find(new URL('..', folder));
}

/** A compiled module, as `lib/profile/peak-worker.js`: one that threads are started with. */
export function compiledModule(path: string): URL {
  return new URL(`dist/${path}`, packageRoot);
}
