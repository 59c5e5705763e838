import { at } from '../../../graph/at.js';
import { type DType, isFloat } from '../../../graph/dtype.js';
import { input, isNumber, zeros } from '../../../graph/leaf.js';
import { firstSlot, type Loop, slotRangesOf } from '../../../graph/loop.js';
import type { Shape } from '../../../graph/shapes.js';
import { substitute } from '../../../graph/substitute.js';
import { reachable, type Tensor } from '../../../graph/tensor.js';
import { accumulateGradients } from '../backward.js';
import { add, cast } from '../elementwise.js';
import type { Bound, ScanDraft, ScanResult } from './draft.js';
import { type ResultGradient, splitGradient } from './scan-split.js';
import { LoopSums } from './scan-sums.js';
import { readSlots } from './slots.js';

/**
 * The gradients of a scan: a scan in the other direction, whose body is the vector-Jacobian product of the body. It
 * carries the gradients of the carried values, and reads the values that the scan kept at every step.
 *
 * @param build builds the node of a scan
 */
export function scanGradient(
  gradient: Tensor,
  node: Tensor<Loop>,
  build: (draft: ScanDraft) => ScanResult,
): (Tensor | null)[] {
  const { body, carries, inputs, length, reverse } = node.attributes;
  const given = splitGradient(gradient, node);
  const { carried, extra, next, slopes } = differentiate(node.attributes, given);
  const kept = keptValues(node);
  const captured = new Map(
    body.placeholders.slice(carries + inputs).map((inside, i) => [inside, node.input(carries + inputs + i)]),
  );
  const known = new Map(extra.map(({ placeholder, value }) => [placeholder, value]));
  for (const [inside, { value }] of kept) if (!captured.has(inside)) known.set(inside, value);
  const sums = new LoopSums(length, known, captured, node.dtype);
  const toInputs = slopes.slice(carries, carries + inputs).map((slope) => slope && sums.stack(slope));
  const toCaptured = sums.addAll(slopes.slice(carries + inputs));

  const totals = sums.accumulated.map(({ shape, dtype }, i) => zeroed(`sum ${i}`, shape, dtype));
  const nextTotals = sums.accumulated.map((term, i) => add(at(totals, i).placeholder, term));
  const { inside, bound } = readKept([...next, ...nextTotals, ...sums.stacked], kept);
  const states = next.length + totals.length;
  const { carry, outputs } = build({
    carries: [...carried, ...totals],
    next: inside.slice(0, states),
    inputs: [...bound.filter(({ placeholder }) => !captured.has(placeholder)), ...extra],
    captured: bound.filter(({ placeholder }) => captured.has(placeholder)),
    outputs: inside.slice(states),
    length,
    reverse: !reverse,
  });
  const built = { stacked: outputs, accumulated: carry.slice(carries) };
  const toCarries = carry.slice(0, carries).map((slope, i) => {
    const first = given[i]?.first;
    return first ? add(slope, first) : slope;
  });
  const rest = [...toInputs, ...toCaptured].map((later) => later?.(built) ?? null);
  return [...toCarries, ...rest].map((slope, i) => {
    const like = node.input(i);
    return slope && isFloat(like.dtype) ? cast(slope, like.dtype) : null;
  });
}

/** One step of the gradient, in terms of the nodes of the body and of placeholders for gradients. */
interface StepGradient {
  /** The gradients of the carried values after the step, and for `next`, before it. */
  readonly carried: readonly Bound[];
  readonly next: readonly Tensor[];
  /** Gradients that come from outside at every step. */
  readonly extra: readonly Bound[];
  /** The gradient with respect to each placeholder of the body, where it has one. */
  readonly slopes: readonly (Tensor | undefined)[];
}

function differentiate({ body, carries }: Loop, given: readonly ResultGradient[]): StepGradient {
  const { placeholders, results } = body;
  const extra: Bound[] = [];
  const perStep = (value: Tensor): Tensor => {
    const placeholder = input(`gradient ${extra.length}`, value.shape.slice(1), value.dtype);
    extra.push({ value, placeholder });
    return placeholder;
  };
  const carried = placeholders.slice(0, carries).map(({ shape, dtype }, i): Bound => {
    const { value, placeholder } = zeroed(`gradient of carry ${i}`, shape, dtype);
    return { value: given[i]?.last ?? value, placeholder };
  });
  const seeds: [Tensor, Tensor][] = carried.map(({ placeholder }, i) => [at(results, i), placeholder]);
  results.forEach((result, i) => {
    const after = given[i]?.after;
    if (after) seeds.push([result, perStep(after)]);
  });
  const outputs = seeds.map(([result]) => result);
  const slopes = accumulateGradients(
    outputs,
    seeds.map(([, seed]) => seed),
    placeholders,
  );
  const next = carried.map(({ placeholder: { shape, dtype } }, i) => {
    const before = given[i]?.before;
    const slope = slopes[i];
    const own = before && perStep(before);
    return slope && own ? add(slope, own) : (slope ?? own ?? zeros(shape, dtype));
  });
  return { carried, next, extra, slopes };
}

function zeroed(name: string, shape: Shape, dtype: DType): Bound {
  return { value: zeros(shape, dtype), placeholder: input(name, shape, dtype) };
}

/** Rewrites nodes to read the kept values of the body instead of recomputing them. */
function readKept(
  nodes: readonly Tensor[],
  kept: ReadonlyMap<Tensor, Bound>,
): { inside: Tensor[]; bound: Bound[] } {
  const read = reachable(nodes, (found) => kept.has(found)).flatMap((found): [Tensor, Bound][] => {
    const bound = kept.get(found);
    return bound ? [[found, bound]] : [];
  });
  const replacements = new Map(read.map(([found, { placeholder }]) => [found, placeholder]));
  return { inside: substitute(nodes, replacements), bound: read.map(([, bound]) => bound) };
}

/**
 * Values of the body that need not be recomputed: its placeholders, and the results, which the scan has kept. Each
 * comes with its values at all steps, and the placeholder for them in another body.
 */
function keptValues(node: Tensor<Loop>): Map<Tensor, Bound> {
  const loop = node.attributes;
  const { body, carries, length } = loop;
  const ranges = slotRangesOf(loop);
  const read = (i: number, first: number) => readSlots(node, at(ranges, i), first, length);
  const kept = new Map<Tensor, Bound>();
  body.results.forEach((result, i) => {
    if (isNumber(result)) return;
    const value = read(i, i < carries ? firstSlot(loop, 'after') : 0);
    const placeholder = input(`kept ${i}`, result.shape, result.dtype);
    if (!kept.has(result)) kept.set(result, { value, placeholder });
  });
  body.placeholders.forEach((placeholder, i) => {
    const value = i < carries ? read(i, firstSlot(loop, 'before')) : node.input(i);
    kept.set(placeholder, { value, placeholder });
  });
  return kept;
}
