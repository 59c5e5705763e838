// `node scripts/measured.mjs <file>`: writes README's table from the output of `npm run --silent bench -- --peers
// --json`.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withPart } from './page-parts.mjs';
import { root } from './setup/run.mjs';

const { measuredSection } = await import('../dist/lib/bench/table.js');
const [file] = process.argv.slice(2);
if (!file) {
  console.error('usage: node scripts/measured.mjs <file with the lines that bench --json printed>');
  process.exit(1);
}
const lines = readFileSync(file, 'utf8').split('\n');
const results = lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
const readme = join(root, 'README.md');
writeFileSync(readme, withPart(readme, readFileSync(readme, 'utf8'), 'measured', measuredSection(results)));
