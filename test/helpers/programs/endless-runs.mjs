// Begins what would take centuries, here or in a thread, and leaves, as the arguments say; with the exit code 7, unless it
// throws.
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { compile, data, nn, optim, scan, Trainer, tensor } from '../../../dist/lib/published/index.js';
import { endlessOf } from './endless.mjs';

const { endless, Endless } = endlessOf({ nn, scan });

async function predict() {
  compile(endless)(tensor([1, 2, 3])).catch(() => {});
}

/** Resolves when the third step, which never ends, is under way. */
async function train() {
  const optimizer = optim.adam();
  const trainer = new Trainer(new Endless(), { loss: nn.crossEntropy, optimizer, shards: 2, workers: 2 });
  const samples = data.fromArrays(
    Float32Array.from({ length: 26 * 6 }, (_, i) => Math.sin(i)),
    Int32Array.from({ length: 26 }, (_, i) => i % 3),
    { inputs: { shape: [6] } },
  );
  const progress = trainer.progress();
  const training = (async () => {
    for await (const _ of trainer.fit(samples, { batchSize: 10 }));
  })();
  training.catch(() => {});
  for await (const { step } of progress) if (step === 2) return;
}

/** @param {string | undefined} what */
const begin = (what) => (what === 'train' ? train() : predict());

if (isMainThread) {
  const [what, where, how] = process.argv.slice(2);
  /** @type {Worker | undefined} */
  let worker;
  if (where === 'thread') {
    worker = new Worker(new URL(import.meta.url), { workerData: what });
    await new Promise((resolve) => worker?.once('message', resolve));
  } else {
    await begin(what);
  }
  if (how === 'exit') process.exit(7);
  if (how === 'throw') throw new RangeError('a bug');
  await worker?.terminate();
  process.exitCode = 7;
} else {
  await begin(workerData);
  parentPort?.postMessage('under way');
  setInterval(() => {}, 1000);
}
