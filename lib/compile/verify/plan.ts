import { sizeOf } from '../../graph/shapes.js';
import { operandsOf } from '../plan/operands.js';
import type { Plan, ReduceStep } from '../plan/plan.js';
import { LiveBlocks } from './live-blocks.js';
import { spanOf } from './span.js';

/**
 * Checks the consistency of a plan: every operand lies within its buffer, and in the arena within a block that is live
 * at that step; blocks that are live at the same step do not overlap; reductions fit their dimensions. A failure is a
 * bug in a pass.
 */
export function verifyPlan(plan: Plan): void {
  const size = (buffer: number) =>
    buffer === 0 ? plan.arenaBytes : (plan.bindings[buffer - 1]?.bytes ?? -1);
  const live = new LiveBlocks(plan.blocks);
  plan.steps.forEach((step, index) => {
    live.advance(index);
    if (step.kernel === 'reduce') verifyReductions(step, index);
    const { reads, writes } = operandsOf(step);
    for (const operand of [...reads, ...writes]) {
      const [low, high] = spanOf(operand);
      if (low < 0 || high > size(operand.buffer)) {
        throw new Error(`verify: step ${index} (${step.label}) leaves its buffer, ${low} to ${high}`);
      }
      if (operand.buffer === 0 && low < high && !live.holds(low, high)) {
        throw new Error(
          `verify: step ${index} (${step.label}) uses bytes that no block holds, ${low} to ${high}`,
        );
      }
    }
  });
  live.finish();
}

function verifyReductions(
  { label, shape, dims, operands, instructions, reductions }: ReduceStep,
  index: number,
) {
  const [outer, length, inner] = dims;
  if (sizeOf(shape) !== outer * length * inner) {
    throw new Error(`verify: step ${index} (${label}) has other dimensions than its shape`);
  }
  for (const { result, output } of reductions) {
    if (result < 0 || result >= operands.length + instructions.length) {
      throw new Error(`verify: step ${index} (${label}) reduces register ${result}, which is not there`);
    }
    if (sizeOf(output.shape) !== outer * inner) {
      throw new Error(`verify: step ${index} (${label}) has an output of another size than its dimensions`);
    }
  }
}
