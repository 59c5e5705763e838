// The imports between the TypeScript sources, read from their text: biome has formatted it, so patterns suffice.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { root } from '../setup/run.mjs';

/**
 * An import of a file by another; `value` unless it imports types only.
 * @typedef {{ from: string, to: string, value: boolean }} Import
 */

const statement = /^(?:import|export)\s+(type\s+)?(\*(?: as \w+)?|[\w\s{},*]+?)\s+from\s+'([^']+)'/gm;
const bare = /^import\s+'([^']+)'/gm;
const dynamic = /\bimport\('([^']+)'\)/g;

/** All sources below some folders, by their paths from the root. @param {readonly string[]} folders */
export function sourcesOf(folders) {
  return folders
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((name) =>
        posix.join(folder, name),
      ),
    )
    .filter((path) => /\.c?ts$/.test(path))
    .sort();
}

/** The imports of sources by one another. @param {readonly string[]} sources @returns {Import[]} */
export function importsOf(sources) {
  const known = new Set(sources);
  return sources.flatMap((from) => {
    const text = readFileSync(join(root, from), 'utf8');
    const found = [
      ...[...text.matchAll(statement)].map(([, type, names, to]) => ({
        to,
        value: !type && takesValue(names),
      })),
      ...[...text.matchAll(bare)].map(([, to]) => ({ to, value: true })),
      // Loaded on demand, which closes no cycle of values.
      ...[...text.matchAll(dynamic)].map(([, to]) => ({ to, value: false })),
    ];
    return found
      .map(({ to = '', value }) => ({ from, to: resolve(from, to), value }))
      .filter(({ to }) => known.has(to));
  });
}

/** True if one of the names between braces is not a type. */
function takesValue(names = '') {
  const [, list] = names.match(/^\{([\s\S]*)\}$/) ?? [];
  if (list === undefined) return true;
  return list.split(',').some((name) => name.trim() !== '' && !name.trim().startsWith('type '));
}

/** @param {string} from @param {string} to */
function resolve(from, to) {
  if (to === 'chainrule') return 'lib/index.ts';
  // `#lib/...` and the like are folders of the root; see `imports` in package.json.
  const path = to.startsWith('#') ? to.slice(1) : posix.join(dirname(from), to);
  return posix.normalize(path).replace(/\.(c?)js$/, '.$1ts');
}
