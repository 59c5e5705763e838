// Fails, naming each, on an import from a layer above, a cycle of values between files, a folder with more than 25 files, or
// a picture in CONTRIBUTING.md that differs from the layers. `npm test` runs it.
import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { importsOf, sourcesOf } from './architecture/imports.mjs';
import { layers } from './architecture/layers.mjs';
import { picture } from './architecture/picture.mjs';
import { root } from './setup/run.mjs';

const MOST_FILES = 25;

const imports = importsOf(sourcesOf(['lib', 'bench', 'examples']));
/** @type {string[]} */
const faults = [...upward(), ...cycles(), ...fullFolders(), ...outdatedPicture()];
for (const fault of faults) console.log(fault);
if (faults.length > 0) process.exitCode = 1;

/** The longest path of the layers that a file lies below, and the number of its layer, 0 at the top. @param {string} path */
function roomOf(path) {
  const rooms = layers.flatMap((layer, depth) => layer.map((room) => ({ room, depth })));
  const own = rooms.filter(({ room }) => path === room || path.startsWith(`${room}/`));
  return own.sort((a, b) => b.room.length - a.room.length)[0];
}

function* upward() {
  for (const { from, to } of imports) {
    const [source, target] = [roomOf(from), roomOf(to)];
    if (!source) yield `${from} is in no layer of scripts/architecture/layers.mjs`;
    else if (target && source.room !== target.room && target.depth <= source.depth)
      yield `${from} imports ${to}, which is not below ${source.room} (scripts/architecture/layers.mjs)`;
  }
}

/** The circles in which files need one another's values before their own are there, each once. */
function* cycles() {
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

function* fullFolders() {
  for (const top of ['lib', 'native', 'test', 'bench', 'scripts', 'examples']) {
    /** @type {Map<string, number>} */
    const counts = new Map();
    for (const entry of readdirSync(join(root, top), { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const folder = posix.relative(root, entry.parentPath);
      counts.set(folder, (counts.get(folder) ?? 0) + 1);
    }
    for (const [folder, count] of counts)
      if (count > MOST_FILES) yield `${folder} holds ${count} files; more than ${MOST_FILES} want folders`;
  }
}

function* outdatedPicture() {
  const page = readFileSync(join(root, 'CONTRIBUTING.md'), 'utf8');
  if (!page.includes(picture(layers)))
    yield `CONTRIBUTING.md does not show the layers as they are:\n\n${picture(layers)}`;
}
