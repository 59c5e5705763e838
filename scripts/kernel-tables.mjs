// `node scripts/kernel-tables.mjs <files>`: writes the tables of docs/speed.md from the output of `npm run --silent bench --
// kernels --peers --json`. The section of a processor and instruction set replaces the one that there was.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { partOf, withPart } from './page-parts.mjs';
import { root } from './setup/run.mjs';

const { readReport, withSection } = await import('../dist/lib/bench/kernels/section.js');
const files = process.argv.slice(2);
if (files.length === 0) {
  console.error(
    'usage: node scripts/kernel-tables.mjs <files with the lines that bench kernels --json printed>',
  );
  process.exit(1);
}
const page = join(root, 'docs/speed.md');
for (const file of files) {
  const text = readFileSync(page, 'utf8');
  const part = withSection(partOf(page, text, 'kernels'), readReport(readFileSync(file, 'utf8')));
  writeFileSync(page, withPart(page, text, 'kernels', part));
}
