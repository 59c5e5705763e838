import { checkpoint, checkpointSequential, grad, nn, type Tensor } from 'chainrule';
import { describe, expect, it } from 'vitest';
import type { Plan } from '#lib/compile/plan/plan.js';
import { PlanChoices } from '#lib/compile/plan-choices.js';
import { input } from '#lib/graph/leaf.js';
import { nativeKernels } from '#lib/runtime/native-kernels.js';

const [rows, width, depth] = [64, 32, 64];
/** The bytes of what each layer leaves. */
const activation = rows * width * 4;

const layers = Array.from(
  { length: depth },
  () => new nn.Sequential(new nn.Linear(width, width), new nn.Tanh()),
);
const parameters = layers.flatMap((layer) => layer.parameters());

const chain = (x: Tensor) => layers.reduce((value, layer) => layer.forward(value), x);

/** The plan of the gradients of a deep network, whose stretches `forward` may mark. */
function planOf(forward: (x: Tensor) => Tensor): Plan {
  const x = input('x', [rows, width]);
  return new PlanChoices(
    { inputs: [x], outputs: grad(forward(x).square().mean(), parameters) },
    nativeKernels,
  ).quickest.plan;
}

/** The operations of a forward pass through one layer. */
function flopsOfLayer(): number {
  const x = input('x', [rows, width]);
  return new PlanChoices({ inputs: [x], outputs: [chain(x)] }, nativeKernels).quickest.plan.flops / depth;
}

describe('a deep network', () => {
  const plain = planOf(chain);

  it('keeps every activation and computes nothing again without checkpoints', () => {
    expect(plain.arenaBytes).toBeGreaterThanOrEqual(depth * activation);
    expect(plain.recomputedFlops).toBe(0);
  });

  it.each([2, 4, 8, 16, 32])('in %i stretches keeps their ends, and the inside of one', (segments) => {
    const plan = planOf((x) => checkpointSequential(layers, segments)(x));
    const length = depth / segments;
    // Beside the ends and the inside, a gradient comes in, another is made, and a product waits to be activated.
    expect(plan.arenaBytes).toBeLessThanOrEqual((segments + length + 3) * activation);
    // Every scope but the last recomputes its layers but the last, whose value was kept.
    expect(plan.recomputedFlops).toBe((segments - 1) * (length - 1) * flopsOfLayer());
    expect(plan.flops - plan.recomputedFlops).toBe(plain.flops);
  });

  it('takes 2 sqrt(n) / n of the memory in sqrt(n) stretches', () => {
    const { arenaBytes } = planOf((x) => checkpointSequential(layers, 8)(x));
    expect(arenaBytes).toBeLessThanOrEqual(((2 * Math.sqrt(depth) + 3) / depth) * plain.arenaBytes);
  });

  it('takes less in checkpoints of checkpoints, for more work', () => {
    const run = (from: number, to: number) => (x: Tensor) =>
      layers.slice(from, to).reduce((value, layer) => layer.forward(value), x);
    const quarters = (from: number, wrap: typeof checkpoint) => (x: Tensor) =>
      [0, 4, 8, 12].reduce((value, at) => wrap(run(from + at, from + at + 4))(value), x);
    const halves = (wrap: typeof checkpoint) => (x: Tensor) =>
      [0, 16, 32, 48].reduce((value, at) => checkpoint(quarters(at, wrap))(value), x);
    const [flat, nested] = [planOf(halves((fn) => fn)), planOf(halves(checkpoint))];
    expect(nested.arenaBytes).toBeLessThan(0.65 * flat.arenaBytes);
    expect(nested.recomputedFlops).toBeGreaterThan(flat.recomputedFlops);
    expect(nested.recomputedFlops).toBeLessThan((2 * plain.flops) / 3);
  });
});

describe('what is not kept', () => {
  it('is the inside of a layer whose last op reads another value than it gives', () => {
    const block = new nn.Sequential(new nn.Linear(width, width), new nn.GELU());
    const blocks = Array.from({ length: 16 }, () => block);
    const forward = (wrap: (layer: nn.Module) => nn.Module) => (x: Tensor) =>
      blocks.reduce((value, layer) => wrap(layer).forward(value), x);
    const plan = (wrap: (layer: nn.Module) => nn.Module) => {
      const x = input('x', [rows, width]);
      const outputs = grad(forward(wrap)(x).square().mean(), block.parameters());
      return new PlanChoices({ inputs: [x], outputs }, nativeKernels).quickest.plan;
    };
    const kept = plan((layer) => layer).arenaBytes;
    expect(kept).toBeGreaterThanOrEqual(32 * activation);
    expect(plan((layer) => new nn.Checkpoint(layer)).arenaBytes).toBeLessThanOrEqual(21 * activation);
  });

  it('is nothing without a gradient', () => {
    const x = input('x', [rows, width]);
    const plan = (output: Tensor) =>
      new PlanChoices({ inputs: [x], outputs: [output] }, nativeKernels).quickest.plan;
    expect(plan(checkpointSequential(layers, 8)(x))).toEqual(plan(chain(x)));
  });
});
