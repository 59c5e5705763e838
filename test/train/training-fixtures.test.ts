import { compile, data, grad, nn, optim, type Tensor, Trainer, tensor } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { expectClose } from '../helpers/close.js';
import { readFixture } from '../helpers/fixtures.js';
import { CNN, initialiseByFormula, MLP, patternSamples } from '../helpers/nn.js';

interface Recording {
  readonly torch: string;
  readonly steps: number;
  readonly batch: number;
  readonly losses: Readonly<Record<string, readonly number[]>>;
}

const { torch, steps, batch, losses } = readFixture<Recording>('training');
const models = { MLP, CNN };
const optimizers = {
  sgd: () => optim.sgd({ lr: 0.05, momentum: 0.9, weightDecay: 1e-3 }),
  adam: () => optim.adam({ lr: 1e-3 }),
};
const runs = Object.keys(losses).map((name) => {
  const [model, optimizer] = name.split(' ') as [keyof typeof models, keyof typeof optimizers];
  return { name, create: () => initialiseByFormula(new models[model]()), optimizer: optimizers[optimizer] };
});

/** Losses that fall far below 1 are compared as what they are, so the floor is low. */
const same = { relative: 1e-4, floor: 1e-9 };

describe(`twenty steps from PyTorch ${torch}'s weights`, () => {
  it('has a recording of each model with each optimiser, in which the loss falls', () => {
    expect(Object.keys(losses).sort()).toEqual(['CNN adam', 'CNN sgd', 'MLP adam', 'MLP sgd']);
    for (const list of Object.values(losses)) {
      expect(list.length).toBe(20);
      expect(list.at(-1)).toBeLessThan((list[0] as number) - 0.1);
    }
  });

  it.each(runs)(
    '$name has the recorded losses in a hand-written loop',
    async ({ name, create, optimizer }) => {
      const model = create();
      const rule = optimizer();
      const parameters = model.parameters();
      const step = compile((x: Tensor, y: Tensor) => {
        const loss = nn.crossEntropy(model.forward(x), y);
        rule.step(parameters, grad(loss, parameters));
        return loss;
      });
      const found: number[] = [];
      for (const { inputs, targets } of data.batches(patternSamples(steps * batch), { batchSize: batch })) {
        const loss = await step(tensor(inputs.data, inputs), tensor(targets.data, targets));
        found.push(await loss.item());
      }
      step.release();
      expectClose(name, found, losses[name] as number[], same);
    },
  );

  const trained = runs.flatMap((run) => [1, 2].map((workers) => ({ ...run, workers })));
  it.each(trained)('$name has the recorded losses in a Trainer with $workers workers', async (run) => {
    const { name, create, optimizer, workers } = run;
    const trainer = new Trainer(create(), {
      loss: nn.crossEntropy,
      optimizer: optimizer(),
      workers,
      shards: workers,
    });
    const found: number[] = [];
    for await (const { stepLosses } of trainer.fit(patternSamples(steps * batch), {
      batchSize: batch,
      shuffle: false,
    })) {
      found.push(...stepLosses);
    }
    expectClose(name, found, losses[name] as number[], same);
  });
});
