import { setImmediate as nextTurn } from 'node:timers/promises';
import { nn, optim, Trainer, tensor } from 'chainrule';
import { expect, it } from 'vitest';
import { Gate } from '../helpers/gate.js';
import { collect, mlp, points } from '../helpers/training.js';

// `npm run bench -- service` measures the length of the turns.
it('the event loop turns, and predictions are answered, while a step is under way', async () => {
  const samples = points(16);
  const trainer = new Trainer(mlp(), {
    loss: nn.crossEntropy,
    optimizer: optim.adam(),
    workers: 2,
    shards: 2,
  });
  const gate = new Gate(samples, 8);
  const fitting = collect(trainer.fit(gate.samples, { batchSize: 4, shuffle: false }));
  await gate.reached();
  for (let turn = 0; turn < 1000; turn++) await nextTurn();
  const output = await trainer.predict(tensor(new Float32Array(4 * 6), { shape: [4, 6] }));
  expect((await output.data()).length).toBe(4 * 3);
  gate.open();
  expect(await fitting).toHaveLength(1);
});
