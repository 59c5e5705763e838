// Fits in a worker thread as `workerData` says, and posts the bits of the parameters; with `endless`, never ends.
import { parentPort, workerData } from 'node:worker_threads';
import { data, nn, optim, Trainer } from '../../../dist/lib/published/index.js';

const { inputs, labels, workers, endless } = workerData;
const trainer = new Trainer(new nn.Sequential(new nn.Linear(6, 16), new nn.Tanh(), new nn.Linear(16, 3)), {
  loss: nn.crossEntropy,
  optimizer: optim.adam(),
  shards: 3,
  seed: 2,
  workers,
});
const samples = data.fromArrays(inputs, labels, { inputs: { shape: [6] } });
const onProgress = () => parentPort?.postMessage('under way');
for await (const _ of trainer.fit(samples, {
  batchSize: 4,
  epochs: endless ? 1e6 : 3,
  ...(endless ? { onProgress } : {}),
}));
parentPort?.postMessage(trainer.model.parameters().flatMap(({ storage }) => [...storage.data]));
