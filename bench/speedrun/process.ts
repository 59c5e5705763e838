// One run of a training module in its own process: its file, the number of workers and the seed are the arguments, and
// what came of it goes to standard output.
import { loadRun } from '../../lib/cli/load.js';
import type { RunReport } from './race.js';

const [file = '', workers, seed] = process.argv.slice(2);
const { trainer, data, epochs, batchSize, dropLast } = await loadRun('speedrun', file, {
  seed: Number(seed),
  workers: Number(workers),
});
if (!data.test) throw new Error(`speedrun: ${file} has no samples to test on`);
const start = performance.now();
for await (const _ of trainer.fit(data.train, { epochs, batchSize, dropLast }));
const { accuracy = Number.NaN } = await trainer.evaluate(data.test, { batchSize: 1000 });
const trainSeconds = (performance.now() - start) / 1000;
const { user, system } = process.cpuUsage();
const report: RunReport = { accuracy, trainSeconds, coreSeconds: (user + system) / 1e6 };
console.log(JSON.stringify(report));
