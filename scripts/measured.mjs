// `node scripts/measured.mjs <file> [page]`: writes the table of a page, by default README.md, from the output of
// `npm run --silent bench -- --peers --json`.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withPart } from './page-parts.mjs';
import { root } from './setup/run.mjs';

const { measuredSection } = await import('../dist/lib/bench/table.js');
const [file, page = 'README.md'] = process.argv.slice(2);
if (!file) {
  console.error('usage: node scripts/measured.mjs <file with the lines that bench --json printed> [page]');
  process.exit(1);
}
const lines = readFileSync(file, 'utf8').split('\n');
const results = lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
const path = join(root, page);
writeFileSync(path, withPart(path, readFileSync(path, 'utf8'), 'measured', measuredSection(results)));
