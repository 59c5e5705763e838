import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { LONG } from '../helpers/long.js';
import { complete, killAndResume } from '../helpers/programs/kill-and-resume.mjs';

const KILLS = LONG ? 25 : 3;
/** Enough for a life to be a small part of the whole. */
const RUN = { epochs: (LONG ? 40 : 20) * KILLS, everySteps: 1, shards: 8 };

it(`a run that is killed ${KILLS} times and resumed with other numbers of workers ends with the same weights`, async () => {
  const dir = mkdtempSync(join(tmpdir(), 'killed-'));
  try {
    const undisturbed = await complete({ ...RUN, workers: 2 });
    const epochMilliseconds = undisturbed.milliseconds / RUN.epochs;
    const { result, lives, warnings } = await killAndResume({
      dir,
      kills: KILLS,
      epochMilliseconds,
      run: RUN,
    });
    console.log(
      `${lives.length} kills, ${lives.filter(({ saving }) => saving).length} while a file was written, ` +
        `the last from step ${result.from} of ${result.steps}`,
    );
    expect(lives.length).toBe(KILLS);
    // With few kills, none may have come while a file was written.
    if (LONG) expect(lives.some(({ saving }) => saving)).toBe(true);
    expect(warnings).toBe('');
    expect(result.from).toBeGreaterThan(KILLS);
    expect([result.hash, result.figures]).toEqual([undisturbed.hash, undisturbed.figures]);
    // Half-written files are gone, and as many whole ones are there as are kept.
    expect(readdirSync(dir)).toHaveLength(3);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});
