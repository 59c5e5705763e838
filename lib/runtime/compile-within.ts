import { type Compiled, compileGraph, type Graph } from '../compile/compile.js';
import type { Binding, Plan } from '../compile/plan/plan.js';
import { PlanChoices } from '../compile/plan-choices.js';
import { failed } from '../graph/errors.js';
import { kernelBytes } from './cache/kept-bytes.js';
import { formatBytes, type MemoryBudget } from './memory-size.js';
import { nativeKernels } from './native-kernels.js';

/**
 * Compiles a graph to the quickest plan whose arena, kernels and bindings together fit a memory budget.
 *
 * @throws ChainruleError if none does, with the smallest possible budget and its parts
 */
export function compileWithin(graph: Graph, budget: MemoryBudget | undefined): Compiled {
  if (!budget) return compileGraph(graph, nativeKernels);
  const plans = new PlanChoices(graph, nativeKernels);
  const found = quickestWithin(plans, budget.bytes);
  if (found) return found;
  throw refusal(smallestOf(plans).plan, budget);
}

function quickestWithin(plans: PlanChoices, bytes: number): Compiled | undefined {
  let compiled: Compiled | undefined = plans.quickest;
  while (compiled) {
    const excess = totalOf(compiled.plan) - bytes;
    if (excess <= 0) return compiled;
    compiled = plans.within(compiled.plan.arenaBytes - excess);
  }
  return undefined;
}

/** The plan with the least total memory; its arena need not be the smallest, as each step also takes memory. */
function smallestOf(plans: PlanChoices): Compiled {
  let best = plans.quickest;
  for (let next: Compiled | undefined = best; next; next = quickestWithin(plans, totalOf(best.plan) - 1)) {
    best = next;
  }
  const { smallest } = plans;
  return totalOf(smallest.plan) < totalOf(best.plan) ? smallest : best;
}

function totalOf(plan: Plan): number {
  return plan.arenaBytes + kernelBytes(plan) + boundBytes(plan, ['input', 'variable', 'constant', 'output']);
}

function boundBytes({ bindings }: Plan, kinds: readonly Binding['kind'][]): number {
  return bindings.filter(({ kind }) => kinds.includes(kind)).reduce((sum, { bytes }) => sum + bytes, 0);
}

function refusal(plan: Plan, { bytes, reason }: MemoryBudget) {
  const total = totalOf(plan);
  const parts = [
    [plan.arenaBytes, 'intermediate values'],
    [boundBytes(plan, ['variable']), 'variables'],
    [boundBytes(plan, ['input']), 'arguments'],
    [boundBytes(plan, ['output']), 'results'],
    [boundBytes(plan, ['constant']), 'constants'],
    [kernelBytes(plan), 'the plan itself'],
  ] as const;
  const listed = parts.filter(([size]) => size > 0).map(([size, name]) => `${formatBytes(size)} ${name}`);
  const least = `memory must be at least ${total} bytes (${formatBytes(total)}) for these shapes`;
  return failed('ERR_CHAINRULE_BUDGET', 'compile', `${least}: ${listed.join(', ')}`, {
    received: `${bytes} bytes${reason === undefined ? '' : ` (${reason})`}`,
  });
}
