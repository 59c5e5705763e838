import type { Tensor } from 'chainrule';
import { elementsOf, firstSlot, type Loop, slotRangesOf } from '#lib/graph/loop.js';
import type { interpret, Rule } from './reference.js';

/** The rule of a loop: its body is interpreted step by step. */
export function scanRule(compute: typeof interpret): Rule {
  return (node, inputs) => {
    const loop = (node as Tensor<unknown> as Tensor<Loop>).attributes;
    const { body, carries, length, reverse } = loop;
    const ranges = slotRangesOf(loop);
    const result = new Array<number>(elementsOf(loop)).fill(0);
    /** Writes one slot of several results in a row. */
    const putAll = (first: number, slot: number, all: readonly (readonly number[])[]) => {
      for (const [k, data] of all.entries()) {
        const { start = 0, slots = 1 } = ranges[first + k] ?? {};
        for (const [i, value] of data.entries()) result[start + (slot % slots) * data.length + i] = value;
      }
    };
    let carry = inputs.slice(0, carries).map(({ data }) => data);
    const steps = Array.from({ length }, (_, t) => t);
    for (const [i, t] of (reverse ? steps.reverse() : steps).entries()) {
      if (i === 0) putAll(0, t + firstSlot(loop, 'before'), carry);
      const given = new Map<Tensor, ArrayLike<number>>();
      body.placeholders.forEach((placeholder, k) => {
        const { data = [] } = inputs[k] ?? {};
        const isSlice = k >= carries && k < carries + loop.inputs;
        const slice = isSlice ? data.slice(t * placeholder.size, (t + 1) * placeholder.size) : data;
        given.set(placeholder, carry[k] ?? slice);
      });
      const values = compute(body.results, given).map(({ data }) => data);
      carry = values.slice(0, carries);
      putAll(0, t + firstSlot(loop, 'after'), carry);
      putAll(carries, t, values.slice(carries));
    }
    return result;
  };
}
