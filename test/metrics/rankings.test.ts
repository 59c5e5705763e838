import { data, metrics } from 'chainrule';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hashUniform } from '../helpers/random-graph/random.js';
import { evaluator, numbersOf } from './recorded-metrics.js';

interface Sample {
  readonly score: number;
  readonly positive: boolean;
  readonly weight: number;
}

/** The share of pairs in which the positive sample has the higher score, by definition. */
function areaOf(samples: readonly Sample[]): number {
  let [above, all] = [0, 0];
  for (const a of samples.filter(({ positive }) => positive)) {
    for (const b of samples.filter(({ positive }) => !positive)) {
      const pair = a.weight * b.weight;
      above += a.score > b.score ? pair : a.score === b.score ? pair / 2 : 0;
      all += pair;
    }
  }
  return above / all;
}

/** The sum of precision times gain of recall over all thresholds, by definition. */
function averagePrecisionOf(samples: readonly Sample[]): number {
  const weightOf = (chosen: readonly Sample[]) => chosen.reduce((sum, { weight }) => sum + weight, 0);
  const positives = samples.filter(({ positive }) => positive);
  const thresholds = [...new Set(samples.map(({ score }) => score))];
  const gains = thresholds.map((threshold) => {
    const found = samples.filter(({ score }) => score >= threshold);
    const gain = weightOf(positives.filter(({ score }) => score === threshold));
    return gain === 0 ? 0 : (weightOf(found.filter(({ positive }) => positive)) / weightOf(found)) * gain;
  });
  return gains.reduce((sum, gain) => sum + gain, 0) / (weightOf(positives) || 1);
}

const ROWS = 29;
const PROBLEMS = 24;

/** Problems side by side: whole scores of which many are equal, and weights that are multiples of 1/4. */
function problems(seed: number) {
  const levels = hashUniform(PROBLEMS, seed, 1, 12);
  const scores = Float32Array.from(hashUniform(ROWS * PROBLEMS, seed + 1, 0, 1), (x, i) =>
    Math.floor(x * (levels[i % PROBLEMS] as number)),
  );
  const shares = hashUniform(PROBLEMS, seed + 2, 0, 1);
  const targets = Uint8Array.from(hashUniform(ROWS * PROBLEMS, seed + 3, 0, 1), (x, i) =>
    x < (shares[i % PROBLEMS] as number) ? 1 : 0,
  );
  const weights = Float32Array.from(hashUniform(ROWS, seed + 4, 0, 8), (x) => Math.floor(x) / 4);
  const samplesOf = (problem: number, isWeighted: boolean): Sample[] =>
    Array.from({ length: ROWS }, (_, i) => ({
      score: scores[i * PROBLEMS + problem] as number,
      positive: targets[i * PROBLEMS + problem] === 1,
      weight: isWeighted ? (weights[i] as number) : 1,
    }));
  return { scores, targets, weights, samplesOf };
}

const shape = { shape: [PROBLEMS] };

describe('areas under curves', () => {
  it('are those of the definition, with equal scores and weights', async () => {
    const property = fc.asyncProperty(
      fc.integer({ min: 0, max: 1e6 }),
      fc.boolean(),
      async (seed, isWeighted) => {
        const { scores, targets, weights, samplesOf } = problems(seed);
        const set = data.fromArrays(scores, targets, {
          inputs: shape,
          targets: shape,
          ...(isWeighted ? { weights } : {}),
        });
        const of = { roc: metrics.rocAuc({ average: 'none' }), pr: metrics.prAuc({ average: 'none' }) };
        const found = await evaluator(of, { dtype: 'float32' }).evaluate(set, { batchSize: 10 });
        for (let problem = 0; problem < PROBLEMS; problem++) {
          const samples = samplesOf(problem, isWeighted);
          // Sums of multiples of 1/16 are exact, and the quotient is rounded once.
          expect(numbersOf(found, 'roc')[problem]).toBe(areaOf(samples));
          expect(numbersOf(found, 'pr')[problem]).toBeCloseTo(averagePrecisionOf(samples), 13);
        }
      },
    );
    await fc.assert(property, { numRuns: 6 });
  });

  it('are those of each class and of pairs of classes, with weights and a class missing', async () => {
    const classes = 5;
    const scores = Float64Array.from(hashUniform(60 * classes, 1), (x) => Math.floor(x * 6) / 8);
    const labels = Int32Array.from(hashUniform(60, 2), (x) => [0, 1, 3, 4][Math.floor(4 * x)] as number);
    const weights = Float32Array.from(hashUniform(60, 3, 0, 5), (x) => Math.floor(x) / 2);
    const set = data.fromArrays(scores, labels, { inputs: { shape: [classes] }, weights });
    const samples = (own: number, others: readonly number[]): Sample[] =>
      [...labels.entries()]
        .filter(([, label]) => label === own || others.includes(label))
        .map(([i, label]) => ({
          score: scores[i * classes + own] as number,
          positive: label === own,
          weight: weights[i] as number,
        }));
    const known = [0, 1, 3, 4];
    const pairs = known.flatMap((a) => known.filter((b) => b > a).map((b) => [a, b] as const));
    const totalOf = (one: number) =>
      labels.reduce((sum, label, i) => sum + (label === one ? (weights[i] as number) : 0), 0);
    const ofPairs = pairs.map(([a, b]) => (areaOf(samples(a, [b])) + areaOf(samples(b, [a]))) / 2);
    const ofPair = pairs.map(([a, b]) => totalOf(a) + totalOf(b));
    const outputs = 'probabilities' as const;
    const of = {
      rest: metrics.rocAuc({ average: 'none', outputs }),
      macro: metrics.rocAuc({ multiClass: 'ovo', outputs }),
      weighted: metrics.rocAuc({ multiClass: 'ovo', average: 'weighted', outputs }),
    };
    const found = await evaluator(of).evaluate(set, { batchSize: 16 });
    const rest = known.map((one) =>
      areaOf(
        samples(
          one,
          known.filter((other) => other !== one),
        ),
      ),
    );
    expect(numbersOf(found, 'rest')).toEqual([rest[0], rest[1], Number.NaN, rest[2], rest[3]]);
    expect(found.macro).toBeCloseTo(ofPairs.reduce((sum, x) => sum + x, 0) / pairs.length, 13);
    const sum = ofPairs.reduce((total, area, i) => total + area * (ofPair[i] as number), 0);
    expect(found.weighted).toBeCloseTo(sum / ofPair.reduce((total, x) => total + x, 0), 13);
  });

  it('tell apart logits whose probabilities round to 1', async () => {
    const logits = Float64Array.of(0, 800, 0, 900, 0, 700, 0, 600);
    const set = data.fromArrays(logits, Int32Array.of(0, 1, 1, 0), { inputs: { shape: [2] } });
    const of = { two: metrics.rocAuc() };
    expect((await evaluator(of).evaluate(set)).two).toBe(0.75);
  });
});
