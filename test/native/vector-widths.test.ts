import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const folder = fileURLToPath(new URL('../../native/kernels', import.meta.url));

// Compilers take operations on wider vectors apart into single elements: reductions were up to 90 times slower so.
it('no kernel has vectors of a fixed size, which may be wider than those of an instruction set', () => {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) =>
    /\.(h|cc)$/.test(path),
  );
  expect(files.length).toBeGreaterThan(50);
  const fixed = files.filter((path) => /vector_size\(\s*\d/.test(readFileSync(join(folder, path), 'utf8')));
  expect(fixed).toEqual([]);
});
