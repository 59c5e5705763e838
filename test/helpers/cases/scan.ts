import * as cr from 'chainrule';
import { reachable } from '#lib/graph/tensor.js';
import { mapPlain, matmulPlain, type Plain } from '../naive/naive.js';
import type { OpCase, OpCases } from './elementwise.js';

type Tensor = cr.Tensor;
type Rows = readonly Plain[];

/** Everything that a scan gives, one behind another. */
const flat = ({ carry, outputs }: { readonly carry: Tensor[]; readonly outputs: Tensor[] }): Tensor =>
  cr.concat([...carry, ...outputs].map((x) => x.reshape([x.size])));

/** The same of the values of a naive loop: the last carries, then each output over all steps. */
function flatPlain(carry: Rows, outputs: readonly Rows[]): Plain {
  const data = [...carry.flatMap((x) => x.data), ...outputs.flatMap((list) => list.flatMap((x) => x.data))];
  return { shape: [data.length], data };
}

function rows({ shape, data }: Plain): Plain[] {
  const [count = 0, ...row] = shape;
  const size = row.reduce((a, b) => a * b, 1);
  return Array.from({ length: count }, (_, i) => ({
    shape: row,
    data: data.slice(i * size, (i + 1) * size),
  }));
}

/** A loop as anyone would write it. In reverse it starts at the last row; outputs keep the order of the rows. */
function loop(
  carry: Rows,
  inputs: readonly Rows[],
  length: number,
  reverse: boolean,
  step: (carry: Rows, at: Rows) => { carry: Rows; outputs: Rows },
): Plain {
  let state = carry;
  const outputs: Plain[][] = [];
  for (let i = 0; i < length; i++) {
    const t = reverse ? length - 1 - i : i;
    const made = step(
      state,
      inputs.map((list) => list[t] as Plain),
    );
    state = made.carry;
    made.outputs.forEach((value, k) => {
      outputs[k] ??= [];
      (outputs[k] as Plain[])[t] = value;
    });
  }
  return flatPlain(state, outputs);
}

const gated = (s: number, x: number) => Math.tanh(s) * x + s;

/** One carry and one input: `s = tanh(s) x + s`, of which `s x` is put out, before and after. */
function recurrence(length: number, reverse = false): OpCase {
  return {
    fn: (s0, xs) =>
      flat(
        cr.scan(
          ([s], [x]) => {
            const next = cr.add(cr.mul(cr.tanh(s as Tensor), x as Tensor), s as Tensor);
            return { carry: [next], outputs: [cr.mul(next, x as Tensor), next, s as Tensor] };
          },
          { carry: [s0 as Tensor], inputs: [xs as Tensor], reverse },
        ),
      ),
    inputs: [[2], [length, 2]],
    options: {
      reference: (s0, xs) =>
        loop([s0 as Plain], [rows(xs as Plain)], length, reverse, ([s], [x]) => {
          const next = mapPlain(gated, s as Plain, x as Plain);
          return {
            carry: [next],
            outputs: [mapPlain((a, b) => a * b, next, x as Plain), next, s as Plain],
          };
        }),
    },
  };
}

/** A recurrent cell with captured weights and a bias, as `tanh(h W + x U + b)`. */
function cell(reverse: boolean): OpCase {
  return {
    fn: (h0, xs, w, u, b) =>
      flat(
        cr.scan(
          ([h], [x]) => {
            const sum = cr.add((h as Tensor).matmul(w as Tensor), (x as Tensor).matmul(u as Tensor));
            const next = cr.tanh(cr.add(sum, b as Tensor));
            return { carry: [next], outputs: [next] };
          },
          { carry: [h0 as Tensor], inputs: [xs as Tensor], reverse },
        ),
      ),
    inputs: [
      [2, 3],
      [3, 2, 2],
      { shape: [3, 3], low: -1, high: 1 },
      { shape: [2, 3], low: -1, high: 1 },
      [3],
    ],
    options: {
      reference: (h0, xs, w, u, b) =>
        loop([h0 as Plain], [rows(xs as Plain)], 3, reverse, ([h], [x]) => {
          const next = mapPlain(
            (p, q, r) => Math.tanh(p + q + r),
            matmulPlain(h as Plain, w as Plain),
            matmulPlain(x as Plain, u as Plain),
            b as Plain,
          );
          return { carry: [next], outputs: [next] };
        }),
    },
  };
}

/** Carries that change places, one that stays, weights that are used element by element and from the left. */
const severalCarries: OpCase = {
  fn: (a0, b0, c0, v, w) =>
    flat(
      cr.scan(
        ([a, b, c]) => {
          const mixed = cr.sigmoid((w as Tensor).matmul(a as Tensor));
          return {
            carry: [cr.mul(b as Tensor, v as Tensor), mixed, c as Tensor],
            outputs: [cr.add(cr.exp(cr.mul(a as Tensor, 0.2)), c as Tensor)],
          };
        },
        { carry: [a0 as Tensor, b0 as Tensor, c0 as Tensor], length: 4 },
      ),
    ),
  inputs: [[2, 3], [2, 3], [3], [2, 1], [2, 2]],
  options: {
    reference: (a0, b0, c0, v, w) =>
      loop([a0, b0, c0] as Rows, [], 4, false, ([a, b, c]) => ({
        carry: [
          mapPlain((x, y) => x * y, b as Plain, v as Plain),
          mapPlain((x) => 1 / (1 + Math.exp(-x)), matmulPlain(w as Plain, a as Plain)),
          c as Plain,
        ],
        outputs: [mapPlain((x, y) => Math.exp(0.2 * x) + y, a as Plain, c as Plain)],
      })),
  },
};

/** No carry at all: each row by itself, with integers that pick a captured row. */
const picked: OpCase = {
  fn: (xs, table) =>
    flat(
      cr.scan(
        (_, [x, index]) => ({
          carry: [],
          outputs: [cr.mul(cr.square(x as Tensor), cr.gather(table as Tensor, index as Tensor))],
        }),
        { inputs: [xs as Tensor, cr.tensor(Int32Array.of(2, 0, 2))] },
      ),
    ),
  inputs: [
    [3, 2],
    [3, 2],
  ],
  options: {
    reference: (xs, table) => {
      const list = rows(table as Plain);
      const chosen = [2, 0, 2].map((i) => list[i] as Plain);
      return loop([], [rows(xs as Plain), chosen], 3, false, (_, [x, row]) => ({
        carry: [],
        outputs: [mapPlain((a, b) => a * a * b, x as Plain, row as Plain)],
      }));
    },
  },
};

/** A scan within the body of a scan, over the columns of each row. */
const nested: OpCase = {
  fn: (s0, xs, w) =>
    flat(
      cr.scan(
        ([s], [x]) => {
          const inner = cr.scan(
            ([q], [y]) => {
              const next = cr.tanh(
                cr.add(cr.mul(q as Tensor, w as Tensor), cr.mul(y as Tensor, s as Tensor)),
              );
              return { carry: [next], outputs: [cr.mul(next, y as Tensor)] };
            },
            { carry: [s as Tensor], inputs: [x as Tensor], reverse: true },
          );
          return { carry: [inner.carry[0] as Tensor], outputs: [inner.outputs[0] as Tensor] };
        },
        { carry: [s0 as Tensor], inputs: [xs as Tensor] },
      ),
    ),
  inputs: [[], [2, 3], []],
  options: {
    reference: (s0, xs, w) =>
      loop([s0 as Plain], [rows(xs as Plain)], 2, false, ([s], [x]) => {
        const columns = rows(x as Plain);
        let q = s as Plain;
        const made: number[] = [];
        for (let t = 2; t >= 0; t--) {
          const y = columns[t] as Plain;
          q = mapPlain((a, b, c, d) => Math.tanh(a * b + c * d), q, w as Plain, y, s as Plain);
          made[t] = (q.data[0] as number) * (y.data[0] as number);
        }
        return { carry: [q], outputs: [{ shape: [3], data: made }] };
      }),
  },
};

/** The value of the node itself: every carried value, the outputs, and what is kept for gradients. */
function wholeNode(reverse: boolean): OpCase {
  const length = 3;
  return {
    fn: (s0, xs) => {
      const { carry } = cr.scan(
        ([s], [x]) => {
          const next = cr.add(cr.mul(cr.tanh(s as Tensor), x as Tensor), s as Tensor);
          return { carry: [next], outputs: [cr.mul(next, x as Tensor)] };
        },
        { carry: [s0 as Tensor], inputs: [xs as Tensor], reverse },
      );
      return reachable(carry).find(({ op }) => op.kind === 'scan') as Tensor;
    },
    inputs: [[2], [length, 2]],
    options: {
      reference: (s0, xs) => {
        const steps = rows(xs as Plain);
        const states: Plain[] = [];
        const before = (t: number) => (reverse ? t + 1 : t);
        const after = (t: number) => (reverse ? t : t + 1);
        states[reverse ? length : 0] = s0 as Plain;
        const order = reverse ? [2, 1, 0] : [0, 1, 2];
        for (const t of order) {
          states[after(t)] = mapPlain(gated, states[before(t)] as Plain, steps[t] as Plain);
        }
        const made = steps.map((x, t) => mapPlain((a, b) => a * b, states[after(t)] as Plain, x));
        const kept = steps.map((_, t) => mapPlain(Math.tanh, states[before(t)] as Plain));
        return flatPlain(states, [made, kept]);
      },
    },
  };
}

export const scanCases: OpCases = {
  scan: [
    recurrence(4),
    recurrence(5, true),
    recurrence(1),
    recurrence(1, true),
    recurrence(0),
    cell(false),
    cell(true),
    severalCarries,
    picked,
    wholeNode(false),
    wholeNode(true),
    nested,
  ],
};
