import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { graphKinds } from '#bench/graphs/kinds.js';

describe('compiling a graph of twice as many nodes', () => {
  it('runs no code more than about twice as often, from the trace to the printed plan', () => {
    const program = fileURLToPath(new URL('../helpers/programs/graph-growth.mjs', import.meta.url));
    // Optimised code does not count every call.
    const output = execFileSync(process.execPath, ['--no-opt', program, '1000'], { encoding: 'utf8' });
    expect(JSON.parse(output)).toEqual({ kinds: graphKinds.map(({ name }) => name), faults: [] });
  }, 300_000);
});
