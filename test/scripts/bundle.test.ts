import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { entries } from '../../scripts/release/bundle.mjs';

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
