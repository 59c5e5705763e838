import { describe, expect, it } from 'vitest';
import type { Actions } from '#lib/compile/recompute/actions.js';
import { searchChoices, stages } from '#lib/compile/recompute/choices.js';
import { leastExtraCost } from '../../helpers/recompute-oracle.js';

/** Numbers from 0 to 1, the same in each run. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** A chain with skips, forward and back, with the given number of layers and random sizes and costs. */
function chainWithSkips(layers: number, random: () => number): Actions {
  const between = (low: number, high: number) => low + Math.floor(random() * (high - low + 1));
  const reads: number[][] = [];
  const bytes: number[] = [];
  const cost: number[] = [];
  const add = (inputs: readonly number[]): number => {
    reads.push([...new Set(inputs)]);
    cost.push(between(1, 10));
    return bytes.push(64 * between(1, 6)) - 1;
  };
  const inputs: number[][] = [];
  for (let layer = 0; layer < layers; layer++) {
    const skips = layer > 1 && random() < 0.3 ? [between(Math.max(0, layer - 3), layer - 2)] : [];
    inputs.push(layer > 0 ? [layer - 1, ...skips] : []);
    add(inputs[layer] as number[]);
  }
  let gradient: number[] = [];
  for (let layer = layers - 1; layer >= 0; layer--) {
    const own = random() < 0.7 ? [layer] : [];
    gradient = [add([...gradient, ...(inputs[layer] as number[]), ...own])];
  }
  const each = <T>(value: T) => reads.map(() => value);
  return {
    steps: each([]),
    reads,
    writes: reads.map((_, action) => [action]),
    scratch: each(0),
    cost,
    repeatable: each(true),
    deadline: each(reads.length),
    inPlace: each([]),
    bytes,
    producer: reads.map((_, action) => action),
    bufferIds: reads.map((_, action) => action),
    scopes: each(undefined),
  };
}

describe('the choices for small chains with skips', () => {
  it('are the order itself where every stage is left out, and more with each that finds sequences', () => {
    const actions = chainWithSkips(6, numbers(7));
    expect(searchChoices(actions, stages)).toHaveLength(1);
    for (const stage of ['chain', 'greedy']) {
      const others = stages.filter((other) => other !== stage);
      expect(searchChoices(actions, others).length).toBeGreaterThan(1);
    }
  });

  it('cost what the best of all ways costs, or up to 5 % more, at 93 of 100 budgets', () => {
    const random = numbers(7);
    let [budgets, good] = [0, 0];
    for (let chain = 0; chain < 40; chain++) {
      const actions = chainWithSkips(chain % 2 === 0 ? 5 : 6, random);
      const choices = searchChoices(actions);
      const peaks = choices.map(({ peak }) => peak);
      for (let limit = Math.min(...peaks) - 64; limit <= Math.max(...peaks); limit += 64) {
        const least = leastExtraCost(actions, limit);
        const costs = choices.filter(({ peak }) => peak <= limit).map(({ extra }) => extra);
        const found = Math.min(Number.POSITIVE_INFINITY, ...costs);
        expect(found).toBeGreaterThanOrEqual(least);
        if (least === Number.POSITIVE_INFINITY) continue;
        budgets++;
        if (found <= 1.05 * least) good++;
      }
    }
    expect(budgets).toBeGreaterThan(150);
    expect(good / budgets).toBeGreaterThanOrEqual(0.93);
  });
});
