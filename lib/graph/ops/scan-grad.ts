import { isFloat } from '../dtype.js';
import { firstSlot, type Loop, readSlots, regionsOf } from '../loop.js';
import { substitute } from '../substitute.js';
import { reachable, type Tensor } from '../tensor.js';
import { vjp } from '../vjp.js';
import { add, cast } from './elementwise.js';
import { input, isNumber, zeros } from './leaf.js';
import type { Bound, ScanDraft, ScanResult } from './scan-op.js';
import { splitGradient } from './scan-split.js';
import { LoopSums } from './scan-sums.js';

/**
 * The gradients of a scan: a scan in the other direction, whose body is the vector-Jacobian product of the body. It
 * carries the gradients of the carried values, and reads what the scan kept of every step.
 *
 * @param build makes the node of a scan
 */
export function scanGradient(
  gradient: Tensor,
  node: Tensor<Loop>,
  build: (draft: ScanDraft) => ScanResult,
): (Tensor | null)[] {
  const { body, carries, inputs, length, reverse } = node.attributes;
  const { placeholders, results } = body;
  const given = splitGradient(gradient, node);
  const extra: Bound[] = [];
  const perStep = (value: Tensor): Tensor => {
    const placeholder = input(`gradient ${extra.length}`, value.shape.slice(1), value.dtype);
    extra.push({ value, placeholder });
    return placeholder;
  };
  const carried = placeholders.slice(0, carries).map(
    (like, i): Bound => ({
      value: given[i]?.last ?? zeros(like.shape, like.dtype),
      placeholder: input(`gradient of carry ${i}`, like.shape, like.dtype),
    }),
  );
  const seeds: [Tensor, Tensor][] = carried.map(({ placeholder }, i) => [results[i] as Tensor, placeholder]);
  results.forEach((result, i) => {
    const after = given[i]?.after;
    if (after) seeds.push([result, perStep(after)]);
  });
  const slopes = vjp(
    seeds.map(([result]) => result),
    seeds.map(([, seed]) => seed),
    placeholders,
  );
  const next = carried.map(({ placeholder: { shape, dtype } }, i) => {
    const before = given[i]?.before;
    const slope = slopes[i];
    const own = before ? perStep(before) : undefined;
    return slope && own ? add(slope, own) : (slope ?? own ?? zeros(shape, dtype));
  });

  const kept = keptValues(node);
  const captured = new Map(
    placeholders.slice(carries + inputs).map((inside, i) => [inside, node.input(carries + inputs + i)]),
  );
  const known = new Map(extra.map(({ placeholder, value }) => [placeholder, value]));
  for (const [inside, { value }] of kept) if (!captured.has(inside)) known.set(inside, value);
  const sums = new LoopSums(length, known, captured, node.dtype);
  const toInputs = slopes.slice(carries, carries + inputs).map((slope) => slope && sums.stack(slope));
  const toCaptured = sums.addAll(slopes.slice(carries + inputs));

  const accumulators = sums.accumulated.map(
    ({ shape, dtype }, i): Bound => ({
      value: zeros(shape, dtype),
      placeholder: input(`sum ${i}`, shape, dtype),
    }),
  );
  const totals = sums.accumulated.map((term, i) => add((accumulators[i] as Bound).placeholder, term));
  const roots = [...next, ...totals, ...sums.stacked];
  const needed = reachable(roots, (found) => kept.has(found)).filter((found) => kept.has(found));
  const replaced = new Map(needed.map((found) => [found, (kept.get(found) as Bound).placeholder]));
  const inside = substitute(roots, replaced);
  const bound = needed.map((found) => kept.get(found) as Bound);
  const { carry, outputs } = build({
    carries: [...carried, ...accumulators],
    next: inside.slice(0, next.length + totals.length),
    inputs: [...bound.filter(({ placeholder }) => !captured.has(placeholder)), ...extra],
    captured: bound.filter(({ placeholder }) => captured.has(placeholder)),
    outputs: inside.slice(next.length + totals.length),
    length,
    reverse: !reverse,
  });
  const built = { stacked: outputs, accumulated: carry.slice(carries) };
  const toCarries = carried.map((_, i) => {
    const first = given[i]?.first;
    return first ? add(carry[i] as Tensor, first) : (carry[i] as Tensor);
  });
  const rest = [...toInputs, ...toCaptured].map((later) => later?.(built) ?? null);
  return [...toCarries, ...rest].map((slope, i) => {
    const like = node.input(i);
    return slope && isFloat(like.dtype) ? cast(slope, like.dtype) : null;
  });
}

/**
 * Values of the body that need not be computed again: its placeholders, and the results, which the scan has kept.
 * Each with where its values lie, and what stands for it in another body.
 */
function keptValues(node: Tensor<Loop>): Map<Tensor, Bound> {
  const loop = node.attributes;
  const { body, carries, length } = loop;
  const regions = regionsOf(loop);
  const read = (i: number, first: number) =>
    readSlots(node, regions[i] as (typeof regions)[number], first, length);
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
