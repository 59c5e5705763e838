// What an install takes on disk.
import { readdirSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/**
 * The bytes of all files below a folder, each once, whatever links lead to it, and the number of packages.
 * @param {string} folder
 */
export function measureInstalled(folder) {
  const seen = new Set();
  let bytes = 0;
  let packages = 0;
  const visit = (/** @type {string} */ path) => {
    const real = realpathSync(path);
    if (seen.has(real)) return;
    seen.add(real);
    const stats = statSync(real);
    if (!stats.isDirectory()) {
      bytes += stats.size;
      if (basename(real) === 'package.json' && isPackage(dirname(real))) packages++;
      return;
    }
    for (const name of readdirSync(real)) visit(join(real, name));
  };
  visit(folder);
  return { bytes, packages };
}

/** True for a folder `node_modules/name` or `node_modules/@scope/name`. @param {string} folder */
function isPackage(folder) {
  const above = dirname(folder);
  const holder = basename(above).startsWith('@') ? dirname(above) : above;
  return basename(holder) === 'node_modules';
}
