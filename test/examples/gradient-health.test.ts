import { describe, expect, it } from 'vitest';
import { study, variants } from '#examples/gradient-health.js';
import { sampled } from '../helpers/long.js';

const STEPS = 60;

describe('50-layer perceptrons', () => {
  it.each(sampled(variants, 2).map((variant) => [variant.name, variant] as const))(
    '%s',
    async (name, variant) => {
      const { report, losses } = await study(variant, STEPS);
      const kinds = report.findings.map(({ kind }) => kind);
      const flaws = kinds.filter((kind) => kind === 'vanishing' || kind === 'exploding');
      expect(flaws).toEqual(variant.flaw ? [variant.flaw] : []);
      const [first, last] = [losses[0] as number, losses[STEPS] as number];
      if (name.startsWith('repaired')) {
        expect(last).toBeLessThan(0.85 * first);
      } else {
        // Three classes by chance, or no number any more.
        expect(last > 1.05 || Number.isNaN(last)).toBe(true);
      }
    },
  );
});
