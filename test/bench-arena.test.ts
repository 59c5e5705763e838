import { describe, expect, it } from 'vitest';
import { runArenaBench } from '#bench/arena.js';
import { deepScenarios } from '#bench/scenarios/deep.js';
import { chooseTrainings } from '#bench/scenarios/index.js';

const cases = [...new Set([...chooseTrainings([]), ...deepScenarios])].map(({ name }) => name);

describe('bench --arena', () => {
  it.each(cases)('the arena of %s is larger by a twentieth at most than what is alive at once', (name) => {
    const [result, ...rest] = [...runArenaBench([name])];
    expect(rest).toEqual([]);
    const { ratio = 0, arenaBytes = 0, boundBytes = 0 } = result ?? {};
    expect(boundBytes).toBeGreaterThan(0);
    expect(ratio).toBe(arenaBytes / boundBytes);
    expect(ratio).toBeGreaterThanOrEqual(1);
    expect(ratio).toBeLessThanOrEqual(1.05);
  });

  it('names the cases that there are', () => {
    expect(() => [...runArenaBench(['vgg'])]).toThrow(`there are ${cases.join(', ')}`);
  });
});
