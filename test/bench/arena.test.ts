import { describe, expect, it } from 'vitest';
import { runArenaBench } from '#lib/bench/arena.js';
import { deepScenarios } from '#lib/bench/scenarios/deep.js';
import { chooseTrainings } from '#lib/bench/scenarios/index.js';
import { LONG } from '../helpers/long.js';

const cases = [...new Set([...chooseTrainings([]), ...deepScenarios])].map(({ name }) => name);

describe('bench arena', () => {
  /** Those that the sample leaves out are searched for the longest. */
  const shares = [
    ...cases.map((name) => [name, 1] as const),
    ['resnet20', 1 / 4] as const,
    ['char_gpt', 1 / 4] as const,
  ].filter(([name, share]) => LONG || (name !== 'residual1000' && (name !== 'resnet20' || share === 1)));

  it.each(shares)(
    'the arena of %s at %f is at most a twentieth larger than what is alive at once',
    (name, share) => {
      const results = [...runArenaBench([name], [share])];
      expect(results).toHaveLength(1);
      for (const result of results) {
        const { ratio, arenaBytes, boundBytes } = result;
        expect(result).toMatchObject({ case: name, share });
        expect(boundBytes).toBeGreaterThan(0);
        expect(ratio).toBe(arenaBytes / boundBytes);
        expect(ratio).toBeGreaterThanOrEqual(1);
        expect(ratio).toBeLessThanOrEqual(1.05);
      }
    },
  );

  it('names the cases that there are', () => {
    expect(() => [...runArenaBench(['vgg'])]).toThrow(`the cases are ${cases.join(', ')}`);
  });
});
