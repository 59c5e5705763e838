import * as cr from 'chainrule';
import { assign, compile, dropout, grad, scan, sum, type Tensor, tensor } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { printPlan } from '#lib/compile/plan/print.js';
import { input } from '#lib/graph/leaf.js';
import { type BadCall, expectBadCall } from '../helpers/errors.js';
import { planOf, variable } from '../helpers/graphs.js';

const x = input('x', [5, 3, 4]);
const w = input('w', [8, 4]);
const u = input('u', [8, 8]);
const h0 = input('h', [3, 8]);

/** A plain recurrent network, written with `scan`. */
const network = () =>
  scan(
    ([h], [at]) => {
      const sums = (at as Tensor).matmul(w, { transposeB: true }).add((h as Tensor).matmul(u));
      return { carry: [sums.tanh()], outputs: [sums.tanh()] };
    },
    { carry: [h0], inputs: [x] },
  );

describe('the plan of a scan', () => {
  it('keeps two slots of a carried value of which only the last is read, and drops what nobody reads', () => {
    const { carry } = network();
    expect(printPlan(planOf({ inputs: [x, w, u, h0], outputs: carry }))).toMatchInlineSnapshot(`
      "0: copy input3 float32[3,8] -> @256 float32[3,8]
      1: scan t = 0 to 4: input0 = @256 float32[2,3,8][t % 2]; input1 = input0 float32[5,3,4][t]; input2 = input1 float32[8,4]; input3 = input2 float32[8,8]; output0 = @256 float32[2,3,8][(t + 1) % 2]; arena @0 uint8[256]
          0: matmul a: input1 float32[3,4], b: input2 float32[8,4], transposeA: false, transposeB: true -> @0 float32[3,8]
          1: matmul a: input0 float32[3,8], b: input3 float32[8,8], transposeA: false, transposeB: false -> @128 float32[3,8]
          2: map float32[3,8] %0 = @0; %1 = @128; %2 = add %0 %1; %3 = tanh %2; %3 -> output0
      2: copy @352 float32[3,8] -> output0 float32[3,8]"
    `);
  });

  it('adds one scan in reverse for the gradients, and sums the products of all steps in one product', () => {
    const gradients = grad(sum(network().carry[0] as Tensor), [w, u]);
    expect(printPlan(planOf({ inputs: [x, w, u, h0], outputs: gradients }))).toMatchInlineSnapshot(`
      "0: copy input3 float32[3,8] -> @704 float32[3,8]
      1: scan t = 0 to 4: input0 = @704 float32[6,3,8][t]; input1 = input0 float32[5,3,4][t]; input2 = input1 float32[8,4]; input3 = input2 float32[8,8]; output0 = @704 float32[6,3,8][t + 1]; arena @0 uint8[256]
          0: matmul a: input1 float32[3,4], b: input2 float32[8,4], transposeA: false, transposeB: true -> @0 float32[3,8]
          1: matmul a: input0 float32[3,8], b: input3 float32[8,8], transposeA: false, transposeB: false -> @128 float32[3,8]
          2: map float32[3,8] %0 = @0; %1 = @128; %2 = add %0 %1; %3 = tanh %2; %3 -> output0
      2: fill 1 -> @96 float32[3,8]
      3: scan t = 4 to 0: input0 = @0 float32[2,3,8][(t + 1) % 2]; input1 = @800 float32[5,3,8][t]; input2 = input2 float32[8,8]; output0 = @0 float32[2,3,8][t % 2]; output1 = @192 float32[5,3,8][t]
          0: map float32[3,8] %0 = input1; %1 = input0; %3 = subMul 1 %0 %0; %4 = mul %1 %3; %4 -> output1
          1: matmul a: output1 float32[3,8], b: input2 float32[8,8], transposeA: false, transposeB: true -> output0 float32[3,8]
      4: matmul a: @192 float32[15,8], b: input0 float32[15,4], transposeA: true, transposeB: false -> output0 float32[8,4]
      5: matmul a: @704 float32[15,8], b: @192 float32[15,8], transposeA: true, transposeB: false -> output1 float32[8,8]"
    `);
  });

  it('knows the memory of the body and its operations', () => {
    const plan = planOf({ inputs: [x, w, u, h0], outputs: network().carry });
    const products = 5 * (2 * 3 * 8 * 4 + 2 * 3 * 8 * 8);
    const elements = 5 * 3 * 8;
    expect(plan.flops).toBe(products + elements + 10 * elements);
  });

  it('is the same for the same graph, traced again', () => {
    const plan = () => {
      const gradients = grad(sum(network().outputs[0] as Tensor), [w, u]);
      return JSON.stringify(planOf({ inputs: [x, w, u, h0], outputs: gradients }));
    };
    expect(plan()).toBe(plan());
  });

  it('computes what does not change once, in front of the loop', () => {
    const { outputs } = scan((_, [at]) => ({ carry: [], outputs: [(at as Tensor).mul(u.exp())] }), {
      inputs: [input('rows', [6, 8, 8])],
    });
    const plan = planOf({ inputs: [u, input('rows', [6, 8, 8])], outputs });
    expect(plan.steps.map(({ label }) => label)).toContain('exp');
  });

  it('takes a sum that is doubled again and again for one sum each time', async () => {
    const slope = compile((values: Tensor, factor: Tensor) => {
      const { carry } = scan(
        ([h], [at]) => {
          const first = (h as Tensor).add((at as Tensor).mul(factor));
          return { carry: [Array.from({ length: 30 }).reduce<Tensor>((sum) => sum.add(sum), first)] };
        },
        { carry: [cr.zeros([1])], inputs: [values] },
      );
      return grad(sum(carry[0] as Tensor), [factor])[0] as Tensor;
    });
    // (0 + 3 f) 2 ** 30 is carried on, and so on: the slope is 3 * 2 ** 60 + 5 * 2 ** 30.
    expect(await (await slope([[3], [5]], [1])).toArray()).toEqual([Math.fround(3 * 2 ** 60 + 5 * 2 ** 30)]);
  });
});

describe('random numbers in a scan', () => {
  const mask = () =>
    scan((_, [at]) => ({ carry: [], outputs: [dropout(at as Tensor, 0.5)] }), {
      inputs: [cr.ones([4, 64])],
    }).outputs[0] as Tensor;

  it('differ from step to step, and are the same when traced again', async () => {
    const run = compile(() => mask());
    const again = compile(() => mask());
    const rows = (await (await run()).toArray()) as number[][];
    expect(new Set(rows.map((row) => row.join())).size).toBe(4);
    expect(await (await again()).toArray()).toEqual(rows);
    expect(await (await run()).toArray()).not.toEqual(rows);
  });

  it('are drawn again alike for the gradient', async () => {
    const run = compile((ones: Tensor) => {
      const { carry, outputs } = scan(
        ([s], [at]) => {
          const dropped = dropout(at as Tensor, 0.5);
          return { carry: [(s as Tensor).add(dropped.square())], outputs: [dropped] };
        },
        { carry: [cr.zeros([64])], inputs: [ones] },
      );
      return { dropped: outputs[0] as Tensor, slope: grad(sum(carry[0] as Tensor), [ones])[0] as Tensor };
    });
    const { dropped, slope } = await run(cr.ones([4, 64]));
    // d(2 m x)^2 / dx = 8 m x, where dropout gives 2 m x.
    expect(await slope.toArray()).toEqual(await dropped.mul(4).toArray());
  });
});

describe('a scan at run time', () => {
  it('stops with the error that a step meets, and leaves variables as they were', async () => {
    const state = variable([2]);
    const run = compile((indices: Tensor) => {
      const { carry } = scan(
        ([s], [index]) => ({ carry: [(s as Tensor).add(cr.gather(cr.ones([3, 2]), index as Tensor))] }),
        { carry: [state], inputs: [indices] },
      );
      assign(state, carry[0] as Tensor);
      return undefined;
    });
    await run(tensor(Int32Array.of(0, 1, 2)));
    await expect(run(tensor(Int32Array.of(0, 7, 1)))).rejects.toThrow(/^gather: .*7/);
    expect([...state.storage.data]).toEqual([4, 5]);
  });

  it('carries a variable on and assigns it', async () => {
    const state = variable([2]);
    const run = compile(() => {
      const { carry } = scan(([s]) => ({ carry: [(s as Tensor).mul(2)] }), { carry: [state], length: 10 });
      assign(state, carry[0] as Tensor);
      return undefined;
    });
    await run();
    expect([...state.storage.data]).toEqual([1024, 2048]);
  });
});

const rows = cr.ones([3, 2]);
const carry = [cr.zeros([2])];
const mistakes: BadCall[] = [
  [
    'no length',
    () => scan((c) => ({ carry: c }), { carry }),
    'scan: length must be given where there are no inputs',
  ],
  [
    'half a step',
    () => scan((c) => ({ carry: c }), { carry, length: 0.5 }),
    'scan: length must be an integer from 0 to 2147483647, got 0.5',
  ],
  [
    'a scalar input',
    () => scan((c) => ({ carry: c }), { carry, inputs: [cr.ones([])] }),
    'scan: input 0 must have a leading axis, got []',
  ],
  [
    'inputs of two lengths',
    () => scan((c) => ({ carry: c }), { carry, inputs: [rows, cr.ones([4])] }),
    'scan: input 1 must have 3 steps on its leading axis, got [4]',
  ],
  [
    'a carry that grows',
    () => scan(([c]) => ({ carry: [cr.concat([c as Tensor, c as Tensor])] }), { carry, inputs: [rows] }),
    'scan: carry 0 must stay float32[2], got float32[4]',
  ],
  [
    'a carry that is lost',
    () => scan(() => ({ carry: [] }), { carry, inputs: [rows] }),
    'scan: the step must give 1 carries, got 0',
  ],
  [
    'an output of integers',
    () => scan((_, [at]) => ({ carry: [], outputs: [(at as Tensor).to('int32')] }), { inputs: [rows] }),
    'scan: carries and outputs must be floats, got int32',
  ],
  [
    'two dtypes',
    () =>
      scan((c, [at]) => ({ carry: c, outputs: [(at as Tensor).to('float64')] }), { carry, inputs: [rows] }),
    'scan: carries and outputs must have one dtype, float32, got float64',
  ],
  [
    'nothing',
    () => scan(() => ({ carry: [] }), { inputs: [rows] }),
    'scan: the step must give a carry or an output',
  ],
];

describe('mistakes with scan', () => {
  it.each(mistakes)('%s', (_, call, message) => {
    expectBadCall(call, message, 'scan.test');
  });

  it('assigning a variable in the step', async () => {
    const state = variable([2]);
    const run = compile(() => {
      const { carry: last } = scan(
        ([s]) => {
          assign(state, s as Tensor);
          return { carry: [s as Tensor] };
        },
        { carry, length: 2 },
      );
      return last[0] as Tensor;
    });
    await expect(run()).rejects.toThrow('scan: the step must not assign variables');
  });
});
