import { Tensor } from 'chainrule';
import { describe, expect, it } from 'vitest';
import type { Plan, ReduceStep, Step } from '#lib/compile/plan/plan.js';
import { verifyGraph } from '#lib/compile/verify/graph.js';
import { verifyPlan } from '#lib/compile/verify/plan.js';
import { input } from '#lib/graph/leaf.js';
import { reachable } from '#lib/graph/tensor.js';
import { planOf, variable } from '../../helpers/graphs.js';

/** A part of an object as it may be changed here: nothing in it is readonly. */
type Writable<T> = { -readonly [K in keyof T]: T[K] extends object ? Writable<T[K]> : T[K] };

const x = input('x', [4, 4]);

/** A plan with a block of the arena that two products live in. */
function changed(change: (plan: Writable<Plan>) => void): Plan {
  const copy = structuredClone(
    planOf({ inputs: [x], outputs: [x.matmul(x).matmul(x.add(1)).relu()] }),
  ) as Writable<Plan>;
  change(copy);
  return copy as Plan;
}

function change<T extends object>(part: T | undefined, values: Partial<T>): void {
  Object.assign(part ?? {}, values);
}

function eachBlock(
  plan: Writable<Plan>,
  values: (block: Plan['blocks'][number]) => Partial<Plan['blocks'][number]>,
) {
  for (const block of plan.blocks) Object.assign(block, values(block));
}

/** A plan whose first step is changed. */
function changedStep(plan: Plan, change: (step: Writable<Step>) => void): Plan {
  const copy = structuredClone(plan) as Writable<Plan>;
  change(copy.steps[0] as Writable<Step>);
  return copy as Plan;
}

describe('the check of graphs', () => {
  it('takes any traced graph', () => {
    verifyGraph(reachable([x.matmul(variable([4, 4])).sum()]));
  });

  it('refuses nodes that stand before their inputs', () => {
    const nodes = reachable([x.exp()]);
    expect(() => verifyGraph(nodes.toReversed())).toThrow(/stands before its input/);
  });

  it('refuses a node that is not of the type that its op gives', () => {
    const wrong = Object.assign(Object.create(Tensor.prototype), x.sum(0), { shape: [5] }) as Tensor;
    expect(() => verifyGraph([x, wrong])).toThrow('should be float32[4]');
  });
});

describe('the check of plans', () => {
  it('takes the plans of the compiler', () => {
    verifyPlan(changed(() => {}));
  });

  it.each<[string, (plan: Writable<Plan>) => void, RegExp]>([
    [
      'an operand past the end of the arena',
      (p) => change(p, { arenaBytes: p.arenaBytes - 1 }),
      /leaves its buffer/,
    ],
    [
      'an operand past the end of a binding',
      (p) => change(p.bindings[0], { bytes: 60 }),
      /leaves its buffer/,
    ],
    ['a buffer that is not there', (p) => change(p, { bindings: p.bindings.slice(1) }), /leaves its buffer/],
    [
      'a use after the end of a block',
      (p) => eachBlock(p, ({ first }) => ({ last: first })),
      /no block holds/,
    ],
    [
      'blocks that overlap while both live',
      (p) => eachBlock(p, () => ({ offset: 0, bytes: p.arenaBytes })),
      /overlap/,
    ],
  ])('refuses %s', (_, change, message) => {
    expect(() => verifyPlan(changed(change))).toThrow(message);
  });

  it.each<[string, (step: Writable<ReduceStep>) => void, RegExp]>([
    [
      'dimensions that differ from the shape',
      (step) => change(step, { dims: [4, 2, 1] }),
      /other dimensions/,
    ],
    ['a register that is not there', (step) => change(step.reductions[1], { result: 9 }), /register 9/],
    [
      'an output of another size',
      (step) => change(step.reductions[1]?.output, { shape: [2] }),
      /output of another size/,
    ],
  ])('refuses reductions with %s', (_, change, message) => {
    const plan = planOf({ inputs: [x], outputs: [x.sum(1), x.square().max(1)] });
    expect(() =>
      verifyPlan(
        changedStep(plan, (step) => {
          if (step.kernel === 'reduce') change(step);
        }),
      ),
    ).toThrow(message);
  });

  it('counts in what strides reach, forwards and backwards', () => {
    const bytes = 64;
    const reversed = (offset: number): Plan => ({
      bindings: [
        { kind: 'input', name: 'x', dtype: 'float32', shape: [16], bytes },
        { kind: 'output', name: 'y', dtype: 'float32', shape: [16], bytes },
      ],
      steps: [
        {
          kernel: 'copy',
          label: 'flip',
          flops: 0,
          input: { buffer: 1, offset, dtype: 'float32', shape: [16], strides: [-1] },
          output: { buffer: 2, offset: 0, dtype: 'float32', shape: [16], strides: [1] },
        },
      ],
      blocks: [],
      arenaBytes: 0,
      flops: 0,
      recomputedFlops: 0,
    });
    verifyPlan(reversed(60));
    expect(() => verifyPlan(reversed(56))).toThrow(/leaves its buffer, -4 to 60/);
    expect(() => verifyPlan(reversed(64))).toThrow(/leaves its buffer, 4 to 68/);
  });
});
