import { chooseScenarios } from '../../lib/bench/scenarios/index.js';
import { allowanceFor } from './allowance.js';
import { askToPlan, askToTrain } from './ask.js';
import { memoryScenarios } from './models.js';
import type { Answer } from './protocol.js';

/** What came of one model within one budget. */
export interface SweepRow extends Answer {
  readonly model: string;
  readonly workers: number;
  /** The promise, in bytes. */
  readonly budget: number;
  /** What the same training takes without a budget. */
  readonly unconstrained: number;
  /**
   * Whether the process grew by no more than budget and allowance, or the budget was refused before any thread was started;
   * and whether it was refused exactly where it is smaller than the smallest that the planner knows.
   */
  readonly kept: boolean;
}

export interface SweepOptions {
  readonly models: readonly string[];
  /** Default: 2, then 1. Only the first of them is timed. */
  readonly workers?: readonly number[];
  /** Default 10. */
  readonly budgets?: number;
  /** Rounds that are timed. Default 3. */
  readonly rounds?: number;
}

/** Trains each model within budgets from a little more than it needs down to less than the smallest. */
export async function* runSweep({
  models,
  workers = [2, 1],
  budgets = 10,
  rounds = 3,
}: SweepOptions): AsyncGenerator<SweepRow> {
  for (const { name } of chooseScenarios(memoryScenarios, models)) {
    for (const [i, count] of workers.entries()) {
      const request = { scenario: name, workers: count, rounds: i === 0 ? rounds : 0 };
      const { bytes, smallest } = await askToPlan(request);
      for (const budget of budgetsBetween(bytes, smallest, budgets)) {
        const answer = await askToTrain({ ...request, memory: budget });
        const row = { model: name, workers: count, budget, unconstrained: bytes };
        yield { ...row, ...answer, kept: isKept(answer, budget, smallest, allowanceFor(count)) };
      }
    }
  }
}

/**
 * Budgets in falling order: the first a little more than what no budget takes, the last but two the smallest that can be
 * met, and two that cannot.
 */
export function budgetsBetween(most: number, smallest: number, count: number): number[] {
  const met = count - 3;
  const between = Array.from({ length: met }, (_, i) => most * (smallest / most) ** ((i + 1) / met));
  return [1.02 * most, ...between.slice(0, -1), smallest, 0.98 * smallest, 0.8 * smallest].map(Math.floor);
}

function isKept({ trained, refused }: Answer, budget: number, smallest: number, allowance: number): boolean {
  if (refused) return budget < smallest && refused.threads === 0;
  return trained !== undefined && trained.planned.bytes <= budget && trained.grown <= budget + allowance;
}
