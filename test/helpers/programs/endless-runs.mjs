// Begins what would take centuries, here or in a thread, and leaves, as the arguments say; with the exit code 7, unless it
// throws. Without arguments, it only exports what never ends.
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { compile, data, nn, optim, scan, Trainer, tensor } from 'chainrule';

const MOST = 2 ** 31 - 1;

/** @type {(body: (x: import('chainrule').Tensor) => import('chainrule').Tensor) => typeof body} */
const turn = (body) => (x) => {
  const { carry } = scan(([y = x]) => ({ carry: [body(y)] }), { carry: [x], length: MOST });
  return carry[0] ?? x;
};

/** The input, after centuries. */
export const endless = turn(turn((x) => x.mul(0.999)));

/** Its plan for shards of 3 rows never ends. */
export class Endless extends nn.Module {
  fc = new nn.Linear(6, 3);

  /** @param {import('chainrule').Tensor} x */
  forward(x) {
    const y = this.fc.forward(x);
    return x.shape[0] === 3 ? y.add(endless(x.detach()).sum().mul(0)) : y;
  }
}

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

if (isMainThread && process.argv[2]) {
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
} else if (['train', 'predict'].includes(workerData)) {
  await begin(workerData);
  parentPort?.postMessage('under way');
  setInterval(() => {}, 1000);
}
