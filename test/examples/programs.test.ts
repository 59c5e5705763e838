import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const run = promisify(execFile);
const node = (...args: string[]) => run(process.execPath, args);

describe('npm run example', () => {
  it('lists every example where none is named', async () => {
    const { stdout } = await node('scripts/example.mjs');
    const names = readdirSync('examples').filter((file) => file.endsWith('.ts'));
    expect(names.length).toBeGreaterThan(6);
    for (const name of names) expect(stdout.split('\n')).toContain(`  ${name.slice(0, -3)}`);
  });

  it('fails and lists them where the name is unknown', async () => {
    const failure = await node('scripts/example.mjs', 'nonesuch').catch((error: unknown) => error);
    expect(failure).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('There is no example "nonesuch"'),
    });
  });

  it('has examples that report the figures of their papers beside their own', async () => {
    const { stdout } = await node('dist/examples/rumelhart-symmetry.js');
    const [, learned, networks, paper] =
      /(\d+) of (\d+) networks learned all 64 patterns.*the paper: (\d+)/.exec(stdout) ?? [];
    expect([networks, paper]).toEqual(['20', '1425']);
    expect(Number(learned)).toBeGreaterThanOrEqual(10);
    const [, mirrored, of, alike] =
      /(\d+) of these (\d+) have mirrored.*, (\d+) in the ratio/.exec(stdout) ?? [];
    expect([mirrored, of]).toEqual([learned, learned]);
    expect(Number(alike)).toBeGreaterThanOrEqual(8);
  });
});
