import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { data, nn, optim, Trainer } from 'chainrule';
import { expect, it } from 'vitest';
import { useFolder } from '../helpers/folder.js';
import { noise } from '../helpers/training.js';

const folder = useFolder();

it('pace times steps, and not whole epochs', async () => {
  const path = join(folder(), 'count.mjs');
  await writeFile(
    path,
    'export default ({ inputs, output }, { count }) => { output.set(inputs); Atomics.add(count, 0, 1); };\n',
  );
  const count = new Int32Array(new SharedArrayBuffer(4));
  const [length, batchSize] = [4000, 2];
  const samples = data
    .fromArrays(noise(length, 1), Array<number>(length).fill(0), { inputs: { shape: [1] } })
    .transform([data.custom(path, { options: { count } })]);
  const trainer = new Trainer(new nn.Linear(1, 2), {
    loss: nn.crossEntropy,
    optimizer: optim.sgd({ lr: 0.1 }),
    workers: 1,
    shards: 1,
  });
  const { steps, milliseconds, epochSeconds } = await trainer.pace(samples, { batchSize });
  expect(Atomics.load(count, 0)).toBeGreaterThanOrEqual(batchSize * steps);
  // Some that do not count, and what is loaded ahead, once in each of a few rounds; an epoch has 2,000 steps.
  expect(Atomics.load(count, 0)).toBeLessThanOrEqual(batchSize * (steps + 200));
  expect(epochSeconds).toBeCloseTo((milliseconds * length) / batchSize / 1000, 6);
});
