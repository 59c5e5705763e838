import { readdirSync, readFileSync } from 'node:fs';
import { join, normalize } from 'node:path';
import { expect, it } from 'vitest';
import { entries } from '../../scripts/release/bundle.mjs';
import { shared, threads } from '../../scripts/setup/bundle-clone.mjs';

it('every module that a thread or process is started with is an entry of the bundle', () => {
  // Such a module is named by its path from the root.
  const files = readdirSync('lib', { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  );
  const named = files.flatMap((file) =>
    readFileSync(join('lib', file), 'utf8')
      .split('\n')
      .filter((line) => !/^\s*(\*|\/\/|\/\*\*)/.test(line))
      .flatMap((line) => [...line.matchAll(/'(lib\/[^']+\.js)'/g)].map(([, path]) => path as string)),
  );
  expect(named.length).toBeGreaterThan(5);
  expect(named.filter((path) => !entries.includes(path))).toEqual([]);
});

it.each(threads)('in a clone, %s starts from one file and the modules of errors', (thread) => {
  const text = readFileSync(join('dist', `${thread}.js`), 'utf8');
  const imported = [...text.matchAll(/(?:from|import\()\s*"(\.[^"]+)"/g)].map(([, path]) =>
    normalize(join(thread, '..', path as string)).replace(/\.js$/, '.ts'),
  );
  expect(imported.length).toBeGreaterThan(0);
  expect(imported.filter((path) => !shared.includes(path))).toEqual([]);
});

it('errors are in modules that import no others', () => {
  for (const module of shared) {
    const imported = [...readFileSync(module, 'utf8').matchAll(/from '(\.[^']+)'/g)].map(([, path]) =>
      normalize(join(module, '..', path as string)).replace(/\.js$/, '.ts'),
    );
    expect(
      imported.filter((path) => !shared.includes(path)),
      module,
    ).toEqual([]);
  }
});
