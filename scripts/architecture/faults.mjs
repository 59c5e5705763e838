// The rules of the architecture, each as a function that yields the faults, a line each.
import { picture } from './picture.mjs';

/** @typedef {import('./imports.mjs').Import} Import */
/** @typedef {readonly (readonly string[])[]} Layers */

/**
 * Sources that no layer holds.
 * @param {readonly string[]} sources @param {Layers} layers
 */
export function* homelessSources(sources, layers) {
  for (const source of sources)
    if (!roomOf(source, layers)) yield `${source} is in no layer of scripts/architecture/layers.mjs`;
}

/**
 * Imports from the same layer or one above.
 * @param {readonly Import[]} imports @param {Layers} layers
 */
export function* upwardImports(imports, layers) {
  for (const { from, to } of imports) {
    const [source, target] = [roomOf(from, layers), roomOf(to, layers)];
    if (source && target && source.room !== target.room && target.depth <= source.depth)
      yield `${from} imports ${to}, which is not below ${source.room} (scripts/architecture/layers.mjs)`;
  }
}

/**
 * The longest path of the layers that a file lies below, and the number of its layer, 0 at the top.
 * @param {string} path @param {Layers} layers
 */
function roomOf(path, layers) {
  const rooms = layers.flatMap((layer, depth) => layer.map((room) => ({ room, depth })));
  const own = rooms.filter(({ room }) => path === room || path.startsWith(`${room}/`));
  return own.sort((a, b) => b.room.length - a.room.length)[0];
}

/**
 * Cycles of files that need one another's values while they load.
 * @param {readonly Import[]} imports
 */
export function* valueCycles(imports) {
  /** @type {Map<string, string[]>} */
  const values = new Map();
  for (const { from, to, value } of imports) if (value) values.set(from, [...(values.get(from) ?? []), to]);
  /** @type {Set<string>} */
  const done = new Set();
  /** @type {string[]} */
  const path = [];
  /** @param {string} file @returns {Generator<string>} */
  function* visit(file) {
    if (path.includes(file))
      yield `a cycle of values: ${[...path.slice(path.indexOf(file)), file].join(' -> ')}`;
    if (path.includes(file) || done.has(file)) return;
    path.push(file);
    for (const next of values.get(file) ?? []) yield* visit(next);
    path.pop();
    done.add(file);
  }
  for (const file of values.keys()) yield* visit(file);
}

/**
 * Folders with too many files.
 * @param {readonly string[]} files @param {number} most
 */
export function* fullFolders(files, most = 25) {
  const folders = files.map((file) => file.slice(0, file.lastIndexOf('/')));
  for (const folder of new Set(folders)) {
    const count = folders.filter((other) => other === folder).length;
    if (count > most) yield `${folder} holds ${count} files; more than ${most} want folders`;
  }
}

/**
 * Sources that change flags of the engine, which would hold for the whole process of a user.
 * @param {Iterable<readonly [path: string, text: string]>} sources
 */
export function* flagSwitches(sources) {
  for (const [path, text] of sources) {
    if (text.includes('setFlagsFromString'))
      yield `${path} switches flags of the engine in the process of its user`;
  }
}

/**
 * A page that does not show the current layers.
 * @param {string} page @param {Layers} layers
 */
export function* outdatedPicture(page, layers) {
  const expected = picture(layers);
  if (!page.includes(expected)) yield `CONTRIBUTING.md does not show the layers as they are:\n\n${expected}`;
}
