import type { Operand, Plan, Step } from '../compile/plan/plan.js';
import { at } from '../graph/at.js';
import { bytesPerElement } from '../graph/dtype.js';
import { sizeOf } from '../graph/shapes.js';

/** Constants of `native/kernels`: in bytes for a cache line and a map block, otherwise in elements or rows. */
const LINE = 64;
const MAP_BLOCK_BYTES = 2048;
const GROUP_BLOCK = 1024;
const LARGEST_GROUP = 256;
const ROW_BLOCK = 512;
const LONGEST_STRIP = 1024;
const LANES = 128;
const COLUMN_BLOCK = 512;
const LONGEST_PERIOD = 2048;
const PAGE_ROWS = 16;
const LONGEST_PAGE = 65_536;

/** Bytes of the description of a step, here and in the addon: measured, and rounded up. */
const STEP_BYTES = 4096;

/**
 * Upper bound on the bytes that an executable of a plan takes besides the arena: registers of programs, pages of
 * transposed operands, the items of a sort, and the descriptions of steps. Mirrors the allocations in `native/kernels`.
 */
export function kernelBytes(plan: Plan): number {
  const known = counted.get(plan);
  if (known !== undefined) return known;
  const bytes = plan.steps.reduce((sum, step) => sum + STEP_BYTES + scratchOf(step), 0);
  counted.set(plan, bytes);
  return bytes;
}

const counted = new WeakMap<Plan, number>();

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
  const { block, totals } =
    step.kernel === 'map' ? { block: MAP_BLOCK_BYTES / element, totals: 0 } : reducerSizes(step, element);
  const lines = LINE * (step.operands.length + step.instructions.length);
  const registers = registersOf(step) * block * element;
  const draws = step.instructions.filter(({ code }) => code === 'uniform').length;
  const numbers = draws * (2 * block * element + 6 * LINE);
  const streams = step.operands.map((operand) => streamBytes(operand, block, element));
  return streams.reduce((sum, bytes) => sum + bytes, totals + lines + registers + numbers);
}

/** Number of block registers, as the addon assigns them: a result may reuse the register of an input that dies. */
function registersOf({ operands, instructions, results }: Step & { kernel: 'map' | 'reduce' }): number {
  const uses = new Map<number, number>();
  for (const input of [...instructions.flatMap(({ inputs }) => inputs), ...results])
    uses.set(input, (uses.get(input) ?? 0) + 1);
  let [free, count] = [0, 0];
  for (const { inputs } of instructions) {
    for (const input of inputs) {
      const left = (uses.get(input) as number) - 1;
      uses.set(input, left);
      if (left === 0 && input >= operands.length) free++;
    }
    if (free > 0) free--;
    else count++;
  }
  return count;
}

/** The elements of a reduction's block, and the bytes of its totals. */
function reducerSizes({ dims, reductions }: Step & { kernel: 'reduce' }, element: number) {
  const [, length, inner] = dims;
  const group = length * inner;
  const blockOf = (unit: number, most: number) => unit * Math.max(1, Math.floor(most / unit));
  if (group <= LARGEST_GROUP) {
    const block = blockOf(wholeUnit(Math.max(1, group), GROUP_BLOCK, element), GROUP_BLOCK);
    return { block, totals: 2 * block * element + 3 * LINE };
  }
  if (inner === 1) return { block: ROW_BLOCK, totals: 8 * reductions.length + LINE };
  const strip = Math.min(inner, LONGEST_STRIP);
  const ring = blockOf(wholeUnit(strip, LONGEST_STRIP, element), LANES);
  const block = inner > LONGEST_STRIP ? ring : blockOf(ring, COLUMN_BLOCK);
  return { block, totals: reductions.length * (ring * (element + 8) + 3 * LINE) };
}

/** The smallest multiple of `count` that fills whole cache lines, or `count` if that exceeds `most`. */
function wholeUnit(count: number, most: number, element: number): number {
  const line = LINE / element;
  let unit = count;
  while (unit % line !== 0) unit += count;
  return unit <= most ? unit : count;
}

/** Bytes of the buffer between an operand and a program: a block, a short period plus a block, or a page. */
function streamBytes({ shape, strides }: Operand, block: number, element: number): number {
  const copied = block * element + 2 * LINE;
  const axes = shape.flatMap((size, i) => (size > 1 ? [{ size, stride: at(strides, i) }] : []));
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
  if (name === 'argSort') return 2 * bytesPerElement('float64') * at(attributes.dims as number[], 1);
  // Winograd transforms read zeros beyond the edges, one per channel.
  const channels = [...Object.values(inputs), output].map(({ shape }) => shape.at(-1) ?? 0);
  return attributes.winograd !== undefined ? LINE + Math.max(...channels) * bytesPerElement(output.dtype) : 0;
}
