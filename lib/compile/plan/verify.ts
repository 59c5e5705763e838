import { at } from '../../graph/at.js';
import { bytesPerElement } from '../../graph/dtype.js';
import { formatShape } from '../../graph/errors.js';
import { sameShape, sizeOf } from '../../graph/shapes.js';
import type { Tensor } from '../../graph/tensor.js';
import { LiveBlocks } from './live-blocks.js';
import { operandsOf } from './operands.js';
import type { Operand, Plan, ReduceStep } from './plan.js';

/** Checks that nodes follow their inputs and have the types that their ops infer. A failure is a bug in a pass. */
export function verifyGraph(nodes: readonly Tensor[]): void {
  const seen = new Set<Tensor>();
  for (const node of nodes) {
    for (const input of node.inputs) {
      if (!seen.has(input)) throw new Error(`verify: ${node} stands before its input ${input}`);
    }
    const { shape, dtype } = node.op.type(node.inputs, node.attributes);
    if (!sameShape(shape, node.shape) || dtype !== node.dtype) {
      throw new Error(`verify: ${node} should be ${dtype}${formatShape(shape)}`);
    }
    seen.add(node);
  }
}

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
      const [low, high] = span(operand);
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

/** The byte range that an operand may touch; the end is exclusive. */
function span({ offset, shape, strides, dtype }: Operand): [number, number] {
  if (shape.includes(0)) return [offset, offset];
  let [low, high] = [0, 0];
  shape.forEach((dimension, axis) => {
    const reach = (dimension - 1) * at(strides, axis);
    if (reach < 0) low += reach;
    else high += reach;
  });
  const bytes = bytesPerElement(dtype);
  return [offset + low * bytes, offset + (high + 1) * bytes];
}
