import type { Operand, Plan, Step } from '../compile/plan.js';
import { bytesPerElement } from '../graph/dtype.js';
import { sizeOf } from '../graph/shapes.js';

/** As the addon has them: bytes of a cache line, and the elements that its programs take at a time, and hold back. */
const LINE = 64;
const MAP_BLOCK_BYTES = 2048;
const REDUCE_BLOCK = 1024;
const LONGEST_PERIOD = 2048;
const PAGE_ROWS = 16;
const LONGEST_PAGE = 65_536;

/** What a step takes besides: its description, here and in the addon. Measured, and rounded up. */
const STEP_BYTES = 4096;

/**
 * The bytes that the kernels of a plan take for themselves when it is made ready to run, apart from the arena: registers of
 * programs, pages of transposed operands, the items of a sort; and what describes its steps. An upper bound, in the terms of
 * `native/kernels`.
 */
export function kernelBytes({ steps }: Plan): number {
  return steps.reduce((sum, step) => sum + STEP_BYTES + scratchOf(step), 0);
}

function scratchOf(step: Step): number {
  switch (step.kernel) {
    case 'map':
    case 'reduce':
      return programBytes(step);
    case 'scan':
      return kernelBytes(step.body);
    case 'call':
      return callBytes(step);
    default:
      return 0;
  }
}

function programBytes(step: Step & { kernel: 'map' | 'reduce' }): number {
  const element = bytesPerElement(step.compute);
  const block = step.kernel === 'map' ? MAP_BLOCK_BYTES / element : REDUCE_BLOCK;
  const values = step.operands.length + step.instructions.length;
  const registers = step.instructions.length * block * element;
  const totals = step.kernel === 'reduce' ? 3 * REDUCE_BLOCK * 8 * step.reductions.length : 0;
  const streams = step.operands.map((operand) => streamBytes(operand, block, element));
  return streams.reduce((sum, bytes) => sum + bytes, registers + totals + values * LINE);
}

/** What stands between an operand and a program: one block, a short period with a block behind it, or a page. */
function streamBytes({ shape, strides }: Operand, block: number, element: number): number {
  const copied = block * element + 2 * LINE;
  const axes = shape.flatMap((size, i) => (size > 1 ? [{ size, stride: strides[i] as number }] : []));
  const first = axes[0];
  if (!first) return copied;
  const period = sizeOf(shape) / first.size;
  if (axes.length > 1 && first.stride === 0 && period <= LONGEST_PERIOD) return copied + period * element;
  const [rows, columns] = [axes.at(-2), axes.at(-1)];
  const isTransposed = rows?.stride === 1 && columns !== undefined && columns.stride > 1;
  const page = PAGE_ROWS * (columns?.size ?? 0);
  return isTransposed && page <= LONGEST_PAGE ? copied + Math.max(page, block) * element + 2 * LINE : copied;
}

function callBytes({ name, inputs, attributes, output }: Step & { kernel: 'call' }): number {
  if (name === 'argSort')
    return 2 * bytesPerElement('float64') * ((attributes.dims as number[])[1] as number);
  // Winograd's transforms read zeros beyond the edges, as many as there are channels.
  const channels = [...Object.values(inputs), output].map(({ shape }) => shape.at(-1) ?? 0);
  return attributes.winograd !== undefined ? LINE + Math.max(...channels) * bytesPerElement(output.dtype) : 0;
}
