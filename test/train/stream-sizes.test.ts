import { data, nn, optim, type Tensor, Trainer, tensor } from 'chainrule';
import { expect, it } from 'vitest';

const FEATURES = 4;
const BATCH = 16;

/** Epochs until numbers of samples come again. */
const PERIOD = 23;

/** Numbers of samples of the epochs: their last batches have every size, in no order. */
const counts = Array.from({ length: PERIOD + 3 }, (_, epoch) => 20 + ((epoch * 7) % PERIOD));

const most = Math.max(...counts);
const inputs = Float32Array.from({ length: most * FEATURES }, (_, i) => Math.sin(i));
const targets = Int32Array.from({ length: most }, (_, i) => i % 3);

/** A model that counts for how many numbers of rows it is traced. */
class Counting extends nn.Module {
  readonly layer = new nn.Linear(FEATURES, 3);
  readonly rows: number[] = [];

  forward(x: Tensor): Tensor {
    this.rows.push(x.shape[0] as number);
    return this.layer.forward(x);
  }
}

const newTrainer = () =>
  new Trainer(new Counting(), {
    loss: nn.crossEntropy,
    optimizer: optim.adam({ lr: 0.01 }),
    workers: 2,
    shards: 2,
  });

it('trains on streams whose last batches have other sizes in each epoch as on data of these sizes', async () => {
  const streaming = newTrainer();
  const stream = data.stream(
    async function* ({ epoch }) {
      for (let i = 0; i < (counts[epoch - 1] ?? 0); i++) {
        yield { inputs: inputs.subarray(i * FEATURES, (i + 1) * FEATURES), target: targets[i] as number };
      }
    },
    { inputs: { shape: [FEATURES] } },
  );
  const options = { epochs: counts.length, batchSize: BATCH, shuffle: false };
  const losses: number[] = [];
  const traced = () => (streaming.model as Counting).rows.length;
  let tracedOnce = 0;
  for await (const { loss } of streaming.fit(stream, options)) {
    losses.push(loss);
    if (losses.length === PERIOD) tracedOnce = traced();
  }
  // All sizes have come, but the plans of the first were not kept for ever.
  expect(traced()).toBeGreaterThan(tracedOnce);
  const one = newTrainer();
  const expected: number[] = [];
  for (const count of counts) {
    const samples = data.fromArrays(inputs.subarray(0, count * FEATURES), targets.subarray(0, count), {
      inputs: { shape: [FEATURES] },
    });
    for await (const { loss } of one.fit(samples, { batchSize: BATCH, shuffle: false })) expected.push(loss);
  }
  expect(losses).toEqual(expected);
  const probe = tensor(inputs.subarray(0, 5 * FEATURES), { shape: [5, FEATURES] });
  expect(await (await streaming.predict(probe)).data()).toEqual(await (await one.predict(probe)).data());
});
