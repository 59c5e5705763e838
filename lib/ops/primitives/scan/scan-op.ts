import { at } from '../../../graph/at.js';
import { invalid } from '../../../graph/errors.js';
import { Body, elementsOf, endSlots, firstSlot, type Loop, slotRangesOf } from '../../../graph/loop.js';
import type { OpRecord } from '../../../graph/op.js';
import { reachable, Tensor } from '../../../graph/tensor.js';
import { squeeze } from '../movement.js';
import type { ScanDraft, ScanResult } from './draft.js';
import { scanGradient } from './scan-grad.js';
import { readSlots } from './slots.js';

/**
 * A loop over the leading axis of some inputs. Its inputs are the carried values before the first step, the stacked
 * inputs, and the values that the body captures; its value is one flat buffer of all results (see `Loop`).
 */
export const scanOp: OpRecord<Loop> = {
  kind: 'scan',
  type: (_, loop) => ({ shape: [elementsOf(loop)], dtype: at(loop.body.results, 0).dtype }),
  grad: (gradient, node) => scanGradient(gradient, node, buildScan),
  kernel: { family: 'scan', loop: (node) => node.attributes },
  cost: ({ attributes: { body, length } }) =>
    length * reachable(body.results).reduce((sum, node) => sum + node.op.cost(node), 0),
};

/** Number of operations per element from which a value is worth the memory to keep it. */
const COSTLY = 8;

/**
 * Builds the node of a scan. It has more results than requested: every carried value of every step, and the values
 * that are costly to recompute, for a gradient to use. Compiling drops the results that nobody reads.
 */
export function buildScan(draft: ScanDraft): ScanResult {
  const { carries, next, inputs, captured, length, reverse } = draft;
  const bound = [...carries, ...inputs, ...captured];
  const before = placesOf(carries.map(({ placeholder }) => placeholder));
  const after = placesOf(next);
  const asked = new Set(draft.outputs.filter((output) => !before.has(output) && !after.has(output)));
  const roots = [...next, ...asked];
  const [like] = roots;
  if (!like) return { carry: [], outputs: [] };
  for (const node of costly(roots, like.dtype)) if (!after.has(node)) asked.add(node);
  const outputs = [...asked];
  const places = placesOf(outputs);
  const placeholders = bound.map(({ placeholder }) => placeholder);
  const body = new Body(placeholders, [...next, ...outputs]);
  const slots = carries.map(() => length + 1);
  const loop = { body, carries: carries.length, inputs: inputs.length, length, reverse, slots };
  const values = bound.map(({ value }) => value);
  const node = new Tensor(scanOp, values, loop);
  const ranges = slotRangesOf(loop);
  const read = (result: number, first: number, count: number) =>
    readSlots(node, at(ranges, result), first, count);
  const stacked = (output: Tensor): Tensor => {
    const carry = before.get(output);
    if (carry !== undefined) return read(carry, firstSlot(loop, 'before'), length);
    const result = after.get(output);
    if (result !== undefined) return read(result, firstSlot(loop, 'after'), length);
    return read(carries.length + (places.get(output) as number), 0, length);
  };
  return {
    carry: carries.map((_, i) => squeeze(read(i, endSlots(loop, length + 1).last, 1), 0)),
    outputs: draft.outputs.map(stacked),
  };
}

/** The first place of each node in a list. */
function placesOf(nodes: readonly Tensor[]): Map<Tensor, number> {
  const places = new Map<Tensor, number>();
  nodes.forEach((node, place) => {
    if (!places.has(node)) places.set(node, place);
  });
  return places;
}

/**
 * Values of a body that take many operations to recompute: products, convolutions, sums, exponentials. Scans in the
 * body are rerun, because keeping one means keeping all that it keeps.
 */
function costly(roots: readonly Tensor[], dtype: string): Tensor[] {
  return reachable(roots).filter(
    (node) =>
      node.dtype === dtype &&
      node.inputs.length > 0 &&
      node.op.kernel.family !== 'scan' &&
      node.op.cost(node) >= COSTLY * node.size,
  );
}

/** Checks that a scan's results have one dtype, which is also that of its value. */
export function requireOneDType(op: string, results: readonly Tensor[]): void {
  const [first] = results;
  for (const { dtype } of results) {
    if (dtype !== first?.dtype) {
      throw invalid(op, `carries and outputs must have one dtype, ${first?.dtype}`, dtype);
    }
  }
}
