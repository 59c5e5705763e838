import { scan } from 'chainrule';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assignOffsets, mapOperands } from '#lib/compile/arena/assign-offsets.js';
import { layOutArena } from '#lib/compile/arena/lay-out.js';
import { type Graph, layOutPlan, lowerGraph } from '#lib/compile/compile.js';
import { operandsOf } from '#lib/compile/plan/operands.js';
import type { Plan, ScanStep, Step } from '#lib/compile/plan/plan.js';
import type { Value } from '#lib/compile/plan/values.js';
import { verifyDataFlow } from '#lib/compile/verify/data-flow.js';
import { at } from '#lib/graph/at.js';
import { input } from '#lib/graph/leaf.js';
import type { Tensor } from '#lib/graph/tensor.js';
import { nativeKernels } from '#lib/runtime/native-kernels.js';
import { bitsOf } from '../../helpers/random-graph/plan-bits.js';
import { buildGraph, recipes } from '../../helpers/random-graph/random-graph.js';

interface Placed {
  readonly plan: Plan;
  readonly steps: readonly Step<Value>[];
}

function placed(graph: Graph): Placed {
  const lowered = lowerGraph(graph, nativeKernels);
  return { plan: layOutPlan(lowered).plan, steps: lowered.steps };
}

/** The plan with the buffer that one step writes moved to where that of another lies. */
function moved(given: Placed, from: number, to: number): Placed {
  const written = (index: number) => at(operandsOf(at(given.steps, index)).writes, 0);
  return movedTo(given, written(from), at(operandsOf(at(given.plan.steps, to)).writes, 0).offset);
}

/** The plan with the buffer of a value moved to another offset. */
function movedTo({ plan, steps }: Placed, { buffer }: Value, offset: number): Placed {
  const { offsets } = layOutArena(steps);
  const changed = new Map(offsets).set(buffer.kind === 'arena' ? buffer.id : -1, offset);
  return { plan: { ...plan, steps: assignOffsets(steps, changed) }, steps };
}

const check = ({ plan, steps }: Placed) => verifyDataFlow(plan, steps);

describe('the check of data flow', () => {
  const x = input('x', [8, 8]);
  const first = x.matmul(x);
  const second = first.matmul(x);
  // Steps: first, second, their product, an element-wise step on it, and two products.
  const third = second.matmul(first);
  const graph: Graph = { inputs: [x], outputs: [third.exp().matmul(third).matmul(second)] };
  const given = placed(graph);

  it('takes the plans of the compiler', () => {
    check(given);
  });

  it('refuses values that overlap while both are needed', () => {
    expect(() => check(moved(given, 1, 0))).toThrow(/step 1 \(matmul\) overwrites an operand/);
    expect(() => check(moved(given, 3, 1))).toThrow(
      /step 5 \(matmul\) reads bytes .* that step 3 \(exp\) has overwritten/,
    );
  });

  it('refuses a write in place of a value that is read later', () => {
    expect(() => check(moved(given, 3, 2))).toThrow(
      /step 4 \(matmul\) reads bytes .* step 3 \(exp\) has overwr/,
    );
  });

  it('refuses swapped steps', () => {
    const swap = (a: number, b: number) => {
      const steps = [...given.plan.steps];
      [steps[a], steps[b]] = [at(steps, b), at(steps, a)];
      return { ...given, plan: { ...given.plan, steps } };
    };
    expect(() => check(swap(0, 1))).toThrow(/verify: step 0 \(matmul\)/);
    expect(() => check(swap(2, 3))).toThrow('step 2 (exp) is not the one that was lowered, matmul');
  });

  it('refuses a step that is missing, in the plan or in what was lowered', () => {
    const plan = { ...given.plan, steps: given.plan.steps.slice(1) };
    expect(() => check({ ...given, plan })).toThrow('the plan has 5 steps, 6 were lowered');
    expect(() => check({ plan, steps: given.steps.slice(1) })).toThrow(
      /step 0 \(matmul\) reads bytes .* that no step has written/,
    );
  });

  it('refuses an operand that is read elsewhere than it was written', () => {
    const steps = given.plan.steps.map((step, index) =>
      index === 1 ? mapOperands(step, (o) => (o.buffer === 0 ? { ...o, offset: o.offset + 4 } : o)) : step,
    );
    expect(() => check({ ...given, plan: { ...given.plan, steps } })).toThrow(/step [12] \(matmul\)/);
  });

  it('refuses an output of a reduction on its operand', () => {
    const reduced = placed({ inputs: [x], outputs: [first.exp().sum(1).add(1).matmul(x)] });
    const step = reduced.plan.steps.findIndex(({ kernel }) => kernel === 'reduce');
    expect(() => check(moved(reduced, step, 0))).toThrow(/overwrites an operand/);
  });
});

describe('the check of data flow in loops', () => {
  const inputs = input('inputs', [5, 4, 4]);
  const start = input('start', [4, 4]);
  const w = input('w', [4, 4]);
  const other = w.matmul(w);
  const step = ([state]: Tensor[], [own]: Tensor[]) => {
    const next = (state as Tensor)
      .matmul(w)
      .add(own as Tensor)
      .tanh();
    return { carry: [next], outputs: [next.exp()] };
  };
  const { carry, outputs } = scan(step, { carry: [start.matmul(start)], inputs: [inputs] });
  const given = placed({
    inputs: [inputs, start, w],
    outputs: [at(carry, 0).matmul(other), at(outputs, 0).sum()],
  });
  const index = given.plan.steps.findIndex(({ kernel }) => kernel === 'scan');

  function changedLoop(change: (loop: ScanStep) => ScanStep): Placed {
    const steps = given.plan.steps.map((own) => (own.kernel === 'scan' ? change(own) : own));
    return { ...given, plan: { ...given.plan, steps } };
  }

  it('takes the plans of the compiler', () => {
    check(given);
  });

  it('refuses a loop whose step overwrites the slot that it reads', () => {
    const wrong = changedLoop((own) => ({
      ...own,
      bindings: own.bindings.map((binding) => ({ ...binding, first: 0 })),
    }));
    expect(() => check(wrong)).toThrow(/overwrites slot 0 in the step that reads it/);
  });

  it('refuses a loop that begins with a slot that was not written', () => {
    const wrong = changedLoop((own) => ({
      ...own,
      bindings: own.bindings.map((binding, i) =>
        i === 0 || i === own.reads ? { ...binding, first: 1 - binding.first } : binding,
      ),
    }));
    expect(() => check(wrong)).toThrow(/reads bytes .* that no step has written/);
  });

  it('refuses a workspace on a value that is read later, and on what the loop writes', () => {
    const workspace = given.steps[index]?.kernel === 'scan' ? given.steps[index].workspace : undefined;
    if (!workspace) throw new Error('the loop has no workspace');
    const offsetOf = (step: number) => at(operandsOf(at(given.plan.steps, step)).writes, 0).offset;
    expect(() => check(movedTo(given, workspace, offsetOf(0)))).toThrow(
      /reads bytes .* that step \d \(scan\) has overwritten/,
    );
    expect(() => check(movedTo(given, workspace, offsetOf(index)))).toThrow(/\(scan\) overwrites an operand/);
  });
});

describe('the check of data flow, on random plans', () => {
  it('takes only plans with the same bits', () => {
    const seen = { taken: 0, refused: 0 };
    fc.assert(
      fc.property(recipes, fc.nat(100), fc.nat(100), (recipe, which, where) => {
        const graph = buildGraph(recipe, 'float32');
        const lowered = lowerGraph(graph, nativeKernels);
        const { plan, variables } = layOutPlan(lowered);
        // One buffer is moved to the beginning of a block.
        const written = lowered.steps.flatMap((step) =>
          operandsOf(step).writes.filter(({ buffer }) => buffer.kind === 'arena'),
        );
        const block = plan.blocks[where % plan.blocks.length];
        if (written.length === 0 || !block) return;
        const value = at(written, which % written.length);
        const wrong = movedTo({ plan, steps: lowered.steps }, value, block.offset);
        try {
          check(wrong);
          seen.taken++;
        } catch {
          seen.refused++;
          return;
        }
        const values = variables.map(({ storage }) => storage.data);
        const arenaBytes = 2 * plan.arenaBytes;
        expect(bitsOf({ ...wrong.plan, arenaBytes }, graph, values)).toEqual(bitsOf(plan, graph, values));
      }),
      { numRuns: 300, seed: 14 },
    );
    expect(Math.min(seen.taken, seen.refused)).toBeGreaterThan(20);
  });
});
