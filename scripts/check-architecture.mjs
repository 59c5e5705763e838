// Fails, naming each, on an import from a layer above, a cycle of values between files, a folder with more than 25
// files, a file of the library that switches flags of the engine, a picture in CONTRIBUTING.md that differs from the
// layers, code that knows an op by name, or a decision by the text of an error. `npm test` runs it.
import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import {
  flagSwitches,
  fullFolders,
  homelessSources,
  outdatedPicture,
  upwardImports,
  valueCycles,
} from './architecture/faults.mjs';
import { importsOf, sourcesOf } from './architecture/imports.mjs';
import { layers } from './architecture/layers.mjs';
import { decisionsByMessage } from './architecture/messages.mjs';
import { askers, namers, opComparisons } from './architecture/op-comparisons.mjs';
import { root } from './setup/run.mjs';

const sources = sourcesOf(['lib', 'bench', 'examples']);
const imports = importsOf(sources);
const files = ['lib', 'native', 'test', 'bench', 'scripts', 'examples'].flatMap((top) =>
  readdirSync(join(root, top), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !/\.pyc$/.test(entry.name))
    .map(({ parentPath, name }) => posix.join(posix.relative(root, parentPath), name)),
);
const texts = sources.map((path) => /** @type {const} */ ([path, readFileSync(join(root, path), 'utf8')]));
const library = texts.filter(([path]) => path.startsWith('lib/'));
const faults = [
  ...homelessSources(sources, layers),
  ...upwardImports(imports, layers),
  ...valueCycles(imports),
  ...fullFolders(files),
  ...opComparisons(library, askers, namers),
  ...flagSwitches(library),
  ...outdatedPicture(readFileSync(join(root, 'CONTRIBUTING.md'), 'utf8'), layers),
  ...texts.flatMap(([path, text]) => [...decisionsByMessage(path, text)]),
];
for (const fault of faults) console.log(fault);
if (faults.length > 0) process.exitCode = 1;
