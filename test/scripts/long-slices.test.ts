import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { apart, sliceOfCommit, slices } from '../../scripts/long-slices.mjs';

it('every long proof is in one slice, but those of ten minutes', () => {
  const files = readdirSync('test', { recursive: true, encoding: 'utf8' })
    .map((name) => join('test', name))
    .filter((name) => name.endsWith('.test.ts') && /\/helpers\/long\.js'/.test(readFileSync(name, 'utf8')));
  expect(files.length).toBeGreaterThan(10);
  expect([...slices.flat(), ...apart].sort()).toEqual(files.sort());
});

it('a commit has a slice, always the same', async () => {
  const slice = await sliceOfCommit();
  expect(slices).toContain(slice);
  expect(await sliceOfCommit()).toBe(slice);
});
