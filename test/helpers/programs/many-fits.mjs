// Fits many times in one process, with new trainers and with an old one, and prints memory and threads five times.
import { readdirSync } from 'node:fs';
import { data, nn, optim, Trainer } from '../../../dist/lib/published/index.js';

const inputs = Float32Array.from({ length: 64 }, (_, i) => Math.sin(i));
const samples = data.fromArrays(
  inputs,
  Int32Array.from({ length: 16 }, (_, i) => i % 3),
  {
    inputs: { shape: [4] },
  },
);
const trainerOf = () =>
  new Trainer(new nn.Sequential(new nn.Linear(4, 8), new nn.Tanh(), new nn.Linear(8, 3)), {
    loss: nn.crossEntropy,
    optimizer: optim.adam(),
    workers: 1,
  });
const old = trainerOf();
const fits = Number(process.argv[2]);
for (let fit = 1; fit <= fits; fit++) {
  for await (const _ of (fit % 2 === 0 ? trainerOf() : old).fit(samples, { batchSize: 8 }));
  if (fit % (fits / 5) !== 0) continue;
  // Finalisers of native memory run between two collections.
  for (let i = 0; i < 3; i++) {
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const threads = process.platform === 'linux' ? readdirSync('/proc/self/task').length : 0;
  console.log(JSON.stringify({ fit, megabytes: process.memoryUsage.rss() / 2 ** 20, threads }));
}
