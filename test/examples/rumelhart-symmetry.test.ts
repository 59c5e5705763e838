import { describe, expect, it } from 'vitest';
import { describePattern, learnSymmetry } from '#examples/rumelhart-symmetry.js';

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const dot = (a: readonly number[], b: readonly number[]) =>
  a.reduce((sum, x, i) => sum + x * (b[i] as number), 0);

describe('symmetry detection (Rumelhart, Hinton & Williams 1986)', () => {
  it('learns all 64 patterns with the mirrored, opposite weights of the paper, in the ratio 1 : 2 : 4', async () => {
    const networks = await learnSymmetry({ networks: 5, sweeps: 1500 });
    const network = networks[4];
    if (!network) throw new Error('five networks were asked for');
    expect(network.sweeps).toBeGreaterThan(100);
    expect(network.sweeps).toBeLessThan(1500);

    // The weights alone must decide every pattern, whatever the network said of itself.
    for (let n = 0; n < 64; n++) {
      const bits = Array.from({ length: 6 }, (_, i) => (n >> i) & 1);
      const hidden = network.weights.map((unit, i) =>
        sigmoid(dot(unit, bits) + (network.hiddenBias[i] as number)),
      );
      const isSymmetric = bits.join('') === bits.toReversed().join('');
      expect(dot(network.output, hidden) + network.outputBias > 0, `pattern ${bits.join('')}`).toBe(
        isSymmetric,
      );
    }
    const { mirror, units, ratio } = network.pattern;
    expect(mirror).toBeLessThan(0.01);
    expect(units).toBeLessThan(0.02);
    expect(ratio[0]).toBe(1);
    expect(ratio[1]).toBeCloseTo(2, 1);
    expect(ratio[2]).toBeCloseTo(4, 1);
  });

  it('says of a network that has not learned that it has not', async () => {
    const [network] = await learnSymmetry({ networks: 1, sweeps: 3 });
    expect(network?.sweeps).toBeNull();
  });

  it('measures how far weights are from the pattern', () => {
    const paper = [-14.2, 3.6, -7.2, 7.1, -3.6, 14.2];
    const opposite = paper.map((weight) => -weight);
    expect(describePattern([paper, opposite]).mirror).toBeCloseTo(0.1 / 14.2, 6);
    expect(describePattern([paper, opposite]).units).toBe(0);
    expect(describePattern([paper, paper]).units).toBe(2);
    expect(describePattern([[1, 2, 4, 4, 2, 1], opposite]).mirror).toBeCloseTo(8 / 14.2, 6);
    expect(
      describePattern([
        [4, 1, 2, -2, -1, -4],
        [-4, -1, -2, 2, 1, 4],
      ]).ratio,
    ).toEqual([1, 2, 4]);
  });
});
