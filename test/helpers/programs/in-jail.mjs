// Does what a service does, in a place where /proc, /sys, /tmp and /dev/shm are missing: prints a line of JSON.
import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compile, data, nn, optim, Trainer, tensor } from '../../../dist/lib/published/index.js';

const [folder] = /** @type {[string]} */ (process.argv.slice(2));
assert(!existsSync('/proc/self') && !existsSync('/sys/fs'), '/proc or /sys is there');

const pixels = join(folder, 'pixels');
writeFileSync(
  pixels,
  Uint8Array.from({ length: 48 * 40 }, (_, i) => i % 251),
);
const labels = Int32Array.from({ length: 40 }, (_, i) => i % 3);
const mapped = data.mapFile(pixels, { dtype: 'uint8', shape: [48] });
const set = data.fromArrays(mapped, labels).transform([data.normalize({ mean: 0.5, std: 0.2 })]);
const trainerOf = (options = {}) =>
  new Trainer(new nn.Sequential(new nn.Linear(48, 16), new nn.ReLU(), new nn.Linear(16, 3)), {
    loss: nn.crossEntropy,
    optimizer: optim.adam(),
    ...options,
  });

const done = [];
for (const options of [{}, { workers: 2, shards: 2, nice: 5 }, { workers: 2, shards: 2, memory: 'auto' }]) {
  const trainer = trainerOf(options);
  const checkpoint = { dir: join(folder, `run-${done.length}`), everySteps: 2 };
  for await (const { loss } of trainer.fit(set, { epochs: 2, batchSize: 16, validation: set, checkpoint })) {
    assert(Number.isFinite(loss));
  }
  done.push(trainer.steps);
}
const trainer = trainerOf({ workers: 2, shards: 2 });
const weights = join(folder, 'weights.safetensors');
await trainer.model.save(weights);
await trainer.model.load(weights);
const output = await trainer.predict(tensor(new Float32Array(96), { shape: [2, 48] }));
const square = await compile((/** @type {import('chainrule').Tensor} */ x) => x.mul(x))(tensor([3]));
const { loss } = await trainer.evaluate(set);
assert(trainer.maxBatch(set) > 0 && trainer.plan(set).peak > 0 && Number.isFinite(loss));
console.log(JSON.stringify({ done, output: output.shape, square: await square.item() }));
