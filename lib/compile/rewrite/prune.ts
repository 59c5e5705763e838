import { at } from '../../graph/at.js';
import { Body, endSlots, type Loop, slotRangesOf } from '../../graph/loop.js';
import { remade } from '../../graph/scope.js';
import { sizeOf } from '../../graph/shapes.js';
import { reachable, Tensor } from '../../graph/tensor.js';
import { type SliceAttributes, sliceOp } from '../../ops/primitives/movement.js';
import { partitionPoint } from '../plan/partition-point.js';

/** The readRanges of a scan's flat value that are read, or all of it. */
type Reads = [start: number, end: number][] | 'all';

/** The results of a scan to keep, the slots of each carried value, and the placeholders that the results need. */
interface Need {
  readonly results: readonly boolean[];
  readonly slots: readonly number[];
  readonly placeholders: readonly boolean[];
}

/**
 * Drops scan results that are never read, with the inputs that only they need, and lets carried values of which only
 * the last is read alternate between two slots. Inference thus pays nothing for what only a gradient needs.
 *
 * @returns the rewritten roots, in order
 */
export function pruneScans(roots: readonly Tensor[]): Tensor[] {
  const nodes = reachable(roots);
  if (!nodes.some(isScan)) return [...roots];
  const needs = findNeeds(nodes, roots);
  const rewritten = new Map<Tensor, Tensor>();
  const moves = new Map<Tensor, (index: number) => number>();
  let changed = false;
  for (const node of nodes) {
    const inputs = node.inputs.map((input) => rewritten.get(input) ?? input);
    const need = needs.get(node);
    if (need && isScan(node)) {
      changed = true;
      const loop = pruneLoop(node.attributes, need);
      moves.set(node, moveBetween(node.attributes, loop, need));
      const kept = inputs.filter((_, i) => need.placeholders[i]);
      rewritten.set(
        node,
        remade(node, () => new Tensor(node.op, kept, loop)),
      );
      continue;
    }
    const move = node.op === sliceOp && moves.get(node.input(0));
    // Once a node is new, so are all after it: ids keep the order of the trace, which plans follow.
    const same = !changed || node.op.kernel.family === 'leaf';
    const attributes = move ? moveSlice(node.attributes as SliceAttributes, move) : node.attributes;
    const renewed = () => new Tensor(node.op, inputs, attributes);
    rewritten.set(node, same ? node : remade(node, renewed));
  }
  return roots.map((root) => rewritten.get(root) as Tensor);
}

function isScan(node: Tensor): node is Tensor<Loop> {
  return node.op.kernel.family === 'scan';
}

/** The needs of each scan, found from the last scan to the first, since later needs determine earlier ones. */
function findNeeds(nodes: readonly Tensor[], roots: readonly Tensor[]): Map<Tensor, Need> {
  const live = new Set(roots);
  const reads = new Map<Tensor, Reads>(roots.map((root) => [root, 'all']));
  const needs = new Map<Tensor, Need>();
  for (const node of [...nodes].reverse()) {
    if (!live.has(node)) continue;
    const need = isScan(node) ? needOf(node.attributes, reads.get(node) ?? 'all') : undefined;
    if (need) needs.set(node, need);
    node.inputs.forEach((input, i) => {
      if (need && !need.placeholders[i]) return;
      live.add(input);
      if (isScan(input)) reads.set(input, joined(reads.get(input), readOf(node)));
    });
  }
  return needs;
}

function readOf({ op, attributes }: Tensor): Reads {
  if (op !== sliceOp) return 'all';
  const { start, end, step } = attributes as SliceAttributes;
  return step[0] === 1 ? [[at(start, 0), at(end, 0)]] : 'all';
}

function joined(a: Reads | undefined, b: Reads): Reads {
  if (a === 'all' || b === 'all') return 'all';
  if (!a) return b;
  for (const range of b) a.push(range);
  return a;
}

/** The needs of a loop with the given reads; undefined if everything is needed. */
function needOf(loop: Loop, reads: Reads): Need | undefined {
  if (reads === 'all') return undefined;
  const { body, carries } = loop;
  const slotRanges = slotRangesOf(loop).map(({ start, slots, shape }, i) => {
    const size = sizeOf(shape);
    const last = i < carries ? start + endSlots(loop, slots).last * size : start;
    return { start, end: start + slots * size, last, size, slots };
  });
  const own = slotRanges.map((): [number, number][] => []);
  for (const [from, to] of reads) {
    if (to <= from) continue;
    const place = partitionPoint(slotRanges.length, (i) => at(slotRanges, i).start <= from) - 1;
    if (to > at(slotRanges, place).end) return undefined;
    at(own, place).push([from, to]);
  }
  const results = own.map((list) => list.length > 0);
  if (!results.includes(true)) return undefined;
  const used = usedBy(loop, results);
  return {
    results,
    slots: slotRanges.slice(0, carries).map(({ last, size, slots }, i) => {
      const onlyLast = own[i]?.every(([from, to]) => last <= from && to <= last + size);
      return onlyLast ? Math.min(2, slots) : slots;
    }),
    // A carried value starts with its input, even if no step reads it.
    placeholders: body.placeholders.map((placeholder, i) =>
      i < carries ? results[i] === true : used.has(placeholder),
    ),
  };
}

/** The nodes of a body that the kept results need. Keeps the carried values among them too. */
function usedBy({ body, carries }: Loop, results: boolean[]): Set<Tensor> {
  const carryOf = new Map(body.placeholders.slice(0, carries).map((placeholder, i) => [placeholder, i]));
  const used = new Set(body.results.filter((_, i) => results[i]));
  for (const node of used) {
    for (const input of node.inputs) used.add(input);
    const carry = carryOf.get(node);
    if (carry === undefined) continue;
    results[carry] = true;
    used.add(at(body.results, carry));
  }
  return used;
}

function pruneLoop(loop: Loop, { results, slots, placeholders }: Need): Loop {
  const kept = <T>(list: readonly T[], mask: readonly boolean[]) => list.filter((_, i) => mask[i]);
  const { body, carries, inputs } = loop;
  return {
    ...loop,
    body: new Body(kept(body.placeholders, placeholders), kept(body.results, results)),
    carries: kept(slots, results).length,
    inputs: placeholders.slice(carries, carries + inputs).filter(Boolean).length,
    slots: kept(slots, results),
  };
}

/** Maps the index of an element in a scan's value to its index after pruning. */
function moveBetween(before: Loop, after: Loop, { results }: Need): (index: number) => number {
  const targets = slotRangesOf(after).values();
  const moved = slotRangesOf(before).map((source, i) => {
    const target = results[i] ? targets.next().value : undefined;
    const size = sizeOf(source.shape);
    const end = source.start + source.slots * size;
    if (!target) return { start: source.start, end, by: 0 };
    const last = ({ start, slots }: typeof source) =>
      i < before.carries ? start + endSlots(before, slots).last * size : start;
    return { start: source.start, end, by: last(target) - last(source) };
  });
  return (index) => {
    const found = moved[partitionPoint(moved.length, (i) => at(moved, i).start <= index) - 1];
    return index + (found && index < found.end ? found.by : 0);
  };
}

function moveSlice({ start, end, step }: SliceAttributes, move: (index: number) => number): SliceAttributes {
  const [from, to] = [at(start, 0), at(end, 0)];
  const moved = to > from ? move(from) : 0;
  return { start: [moved], end: [moved + to - from], step };
}
