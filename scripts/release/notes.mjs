// `node scripts/release/notes.mjs`: prints the section of CHANGELOG.md for the version of package.json, for the notes of a release.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { report, root, SetupError } from '../setup/run.mjs';

try {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const sections = readFileSync(join(root, 'CHANGELOG.md'), 'utf8').split(/^## /m);
  const own = sections.find((text) => text.split(/[\s,]/, 1)[0] === version);
  if (!own) throw new SetupError(`CHANGELOG.md has no section ${version}.`, { hint: 'Rename "Unreleased".' });
  console.log(own.slice(own.indexOf('\n')).trim());
} catch (error) {
  report(error);
  process.exitCode = 1;
}
