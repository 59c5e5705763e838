import type { Actions } from '#lib/compile/recompute/actions.js';

/**
 * The least cost of running all actions in order within a number of bytes, by searching over every set of values that
 * may be resident at every action (Dijkstra 1959): resident values may be dropped, and dropped ones recomputed. For a
 * few values only.
 */
export function leastExtraCost({ reads, writes, cost, bytes, scratch }: Actions, limit: number): number {
  const count = reads.length;
  const sets = 2 ** bytes.length;
  const bits = (values: readonly number[]) => values.reduce((set, value) => set | (1 << value), 0);
  const needs = reads.map(bits);
  const makes = writes.map(bits);
  const sizes = new Float64Array(sets);
  for (let set = 1; set < sets; set++) {
    const lowest = 31 - Math.clz32(set & -set);
    sizes[set] = (sizes[set & (set - 1)] as number) + (bytes[lowest] as number);
  }
  const best = new Map<number, number>([[0, 0]]);
  const waiting: number[][] = [[0]];
  for (let price = 0; price < waiting.length; price++) {
    const states = waiting[price] ?? [];
    for (let state = states.pop(); state !== undefined; state = states.pop()) {
      if (best.get(state) !== price) continue;
      const [next, there] = [Math.floor(state / sets), state % sets];
      if (next === count) return price;
      const go = (to: number, set: number, more: number) => {
        const reached = to * sets + set;
        if ((best.get(reached) ?? Number.POSITIVE_INFINITY) <= price + more) return;
        best.set(reached, price + more);
        waiting[price + more] = [...(waiting[price + more] ?? []), reached];
        if (more === 0) states.push(reached);
      };
      for (let value = 0; value < bytes.length; value++) {
        if (there & (1 << value)) go(next, there & ~(1 << value), 0);
      }
      for (let action = 0; action <= next; action++) {
        const after = there | (makes[action] as number);
        if ((needs[action] as number) & ~there) continue;
        if ((sizes[after] as number) + (scratch[action] as number) > limit) continue;
        if (action === next) go(next + 1, after, 0);
        else if (after !== there) go(next, after, cost[action] as number);
      }
    }
  }
  return Number.POSITIVE_INFINITY;
}
