import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { findNewest } from '#lib/checkpoint/directory.js';
import { useFolder } from '../helpers/folder.js';
import { complete, start } from '../helpers/programs/kill-and-resume.mjs';

const folder = useFolder();
/** Without SIGTERM nothing would be saved. */
const SELDOM = 1_000_000;
const RUN = { epochs: 400, everySteps: SELDOM, workers: 2 };

/** Runs the program, and sends it SIGTERM when it has trained for an epoch. */
async function terminate(options: Parameters<typeof start>[0]) {
  const { child, trained, closed } = start(options);
  await trained(1);
  child.kill('SIGTERM');
  return closed;
}

describe('SIGTERM while fit saves checkpoints', () => {
  it('stops after a step, saves, and ends the process by the signal; the run then goes on', async () => {
    const dir = folder();
    const ended = await terminate({ ...RUN, dir });
    expect([ended.signal, ended.result]).toEqual(['SIGTERM', undefined]);
    const saved = (await findNewest(dir)).found?.step ?? 0;
    expect(saved).toBeGreaterThan(0);
    // Seven steps an epoch: the one that it was in, and two more.
    const rest = { ...RUN, epochs: Math.ceil(saved / 7) + 2 };
    const [resumed, undisturbed] = [await complete({ ...rest, dir, workers: 3 }), await complete(rest)];
    expect(resumed.from).toBe(saved);
    expect([resumed.hash, resumed.figures]).toEqual([undisturbed.hash, undisturbed.figures]);
  });

  it('saves at once between two epochs, whatever the caller does there', async () => {
    const dir = folder();
    const { signal } = await terminate({ ...RUN, dir, dwell: 600_000 });
    expect(signal).toBe('SIGTERM');
    expect((await findNewest(dir)).found?.step).toBe(7);
  });

  it('rejects, and leaves the process alone, where somebody else listens', async () => {
    const dir = folder();
    const { code, result } = await terminate({ ...RUN, dir, listens: true });
    expect(code).toBe(0);
    const step = (await findNewest(dir)).found?.step;
    expect(result?.error).toMatch(
      /^fit: stopped by SIGTERM after step \d+; the run goes on from .*safetensors$/,
    );
    expect(result?.error).toContain(`step ${step};`);
    expect(result?.code).toBe('ERR_CHAINRULE_SIGTERM');
  });

  it('ends the process at once where the option is off', async () => {
    const dir = folder();
    const { signal } = await terminate({ ...RUN, dir, sigterm: false });
    expect(signal).toBe('SIGTERM');
    // What it leaves locks nothing.
    expect(readdirSync(dir)).toEqual(['.lock']);
  });
});
