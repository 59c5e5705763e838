import { chooseScenarios } from '../../lib/bench/scenarios/index.js';
import { allowanceFor } from './allowance.js';
import { askToPlan, askToTrain } from './ask.js';
import { memoryScenarios } from './models.js';
import type { Answer } from './protocol.js';

/** Result of one model within one budget. */
export interface SweepRow extends Answer {
  readonly model: string;
  readonly workers: number;
  /** The promise, in bytes. */
  readonly budget: number;
  /** Memory of the same training without a budget, in bytes. */
  readonly unconstrained: number;
  /**
   * True if the process grew by no more than budget and allowance, or refused the budget before it started any
   * thread; and if it refused exactly those budgets that are smaller than the planner's smallest.
   */
  readonly kept: boolean;
}

export interface SweepOptions {
  readonly models: readonly string[];
  /** Numbers of workers, of which only the first is timed. Default: 2, then 1. */
  readonly workers?: readonly number[];
  /** Number of budgets. Default 10. */
  readonly budgets?: number;
  /** Number of timed rounds. Default 3. */
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
 * Budgets in falling order: the first a little more than training takes without a budget, the last but two the
 * smallest feasible one, and two infeasible ones.
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
