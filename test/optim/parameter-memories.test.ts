import { describe, expect, it } from 'vitest';
import { grad } from '#lib/autodiff/grad.js';
import { Variable } from '#lib/graph/leaf.js';
import { Storage } from '#lib/graph/storage.js';
import type { Tensor } from '#lib/graph/tensor.js';
import { compile, nn, optim, tensor } from '#lib/index.js';
import { ParameterMemories } from '#lib/optim/parameter-memories.js';
import type { ParameterMemory } from '#lib/optim/requests.js';
import { collectGarbage } from '#lib/runtime/collect-garbage.js';

const made = () => new Variable(new Storage([2], 'float32'));
const memory = (): ParameterMemory => ({ state: [made()], average: made(), sum: undefined });

/** Collects garbage, and lets its effects be seen. */
async function collected(): Promise<void> {
  // References that were read in this turn of the event loop are kept to its end.
  await new Promise(setImmediate);
  await collectGarbage();
  await new Promise(setImmediate);
}

describe('the memory of an optimiser', () => {
  it('is kept for parameters in use, in order, and goes with those that are gone', async () => {
    const memories = new ParameterMemories();
    const kept = [made(), made()];
    const own = [memory(), memory()];
    kept.forEach((parameter, i) => {
      for (let other = 0; other < 100; other++) memories.add(made(), memory());
      memories.add(parameter, own[i] as ParameterMemory);
    });
    expect(memories.size).toBe(202);
    await collected();
    expect([...memories]).toEqual(kept.map((parameter, i) => [parameter, own[i]]));
    expect([...memories].map(([parameter]) => parameter === kept[0])).toEqual([true, false]);
    // The engine tells of what is gone when it likes.
    for (let turn = 0; turn < 1000 && memories.size > 2; turn++) await collected();
    expect(memories.size).toBe(2);
    expect(memories.get(kept[1] as Variable)).toBe(own[1]);
  });

  it('does not keep models in memory that it has trained', async () => {
    const optimizer = optim.adam({ lr: 0.01, average: 0.9 });
    const models: WeakRef<nn.Module>[] = [];
    for (let i = 0; i < 5; i++) {
      const model = new nn.Linear(4, 2).init(i);
      models.push(new WeakRef(model));
      const step = compile((x: Tensor) => {
        const loss = model.forward(x).square().mean();
        optimizer.step(model.parameters(), grad(loss, model.parameters()));
        return loss;
      });
      await step(tensor([[1, 2, 3, 4]]));
      step.release();
    }
    const alive = () => models.slice(0, -1).filter((model) => model.deref());
    for (let turn = 0; turn < 1000 && alive().length > 0; turn++) await collected();
    expect(alive()).toEqual([]);
    expect(optimizer.steps).toBe(5);
  });
});
