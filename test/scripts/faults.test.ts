import { existsSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { faults } from '../../scripts/mutations/faults.mjs';

it.each(faults.map((fault) => [fault.name, fault] as const))('a fault can be planted: %s', (_, fault) => {
  const { file, find, tests } = fault;
  expect(readFileSync(file, 'utf8').split(find)).toHaveLength(2);
  for (const path of tests.filter((argument) => argument.startsWith('test/')))
    expect(existsSync(path), path).toBe(true);
});
