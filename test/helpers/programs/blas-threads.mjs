// Prints the threads that the BLAS has started, and the clock ticks for which they, and all threads of the process,
// were busy while workers made large products.
import { readdirSync, readFileSync } from 'node:fs';
import { data, nn, optim, Trainer } from 'chainrule';
import { addon } from '#lib/runtime/addon.js';

const tasks = () => readdirSync('/proc/self/task');
const ticksOf = (/** @type {string} */ task) => {
  // The name of the thread, in brackets, may hold spaces; the ticks are fields 14 and 15.
  const fields = readFileSync(`/proc/self/task/${task}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  return Number(fields[11]) + Number(fields[12]);
};

const before = tasks();
// The BLAS starts its threads when it is loaded.
addon();
const threads = tasks().filter((task) => !before.includes(task));
const ticks = () => threads.map(ticksOf).reduce((sum, count) => sum + count, 0);

const size = 1024;
const trainer = new Trainer(
  new nn.Sequential(new nn.Linear(size, size), new nn.ReLU(), new nn.Linear(size, 3)),
  {
    loss: nn.crossEntropy,
    optimizer: optim.sgd({ lr: 0.01 }),
    workers: 2,
    shards: 2,
  },
);
const samples = data.fromArrays(new Float32Array(size * 1024).fill(0.5), new Int32Array(size), {
  inputs: { shape: [1024] },
});
// The threads spin for a while after they have started, before they sleep.
let start = ticks();
for (let last = -1; last !== start; start = ticks()) {
  last = start;
  await new Promise((resolve) => setTimeout(resolve, 200));
}
const used = process.cpuUsage();
for await (const _ of trainer.fit(samples, { batchSize: 512, epochs: 3 }));
const { user, system } = process.cpuUsage(used);
const all = (user + system) / 10_000;
console.log(JSON.stringify({ threads: threads.length, ticks: ticks() - start, all }));
