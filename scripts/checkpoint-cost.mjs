// `node scripts/checkpoint-cost.mjs [rounds]`: the cost of one checkpoint in the training of large_mlp (12.5 M
// parameters, Adam). First its parts, in time of one core; then epochs with one save in their middle, alternating with
// epochs without, which is meaningful on an otherwise idle machine only.
import { createHash } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { data, nn, optim, Trainer } from 'chainrule';

const WIDTHS = [1024, 2048, 2048, 2048, 1000];
const BATCH = 256;
/** Steps of an epoch; the save comes after the first third. */
const STEPS = 12;
const FIRST = 8;

const rounds = Number(process.argv[2] ?? 10);
const dir = mkdtempSync(join(tmpdir(), 'checkpoint-cost-'));

/** @param {number} steps */
function batches(steps) {
  const length = steps * BATCH;
  const inputs = Float32Array.from({ length: length * 1024 }, (_, i) => Math.sin(i));
  const labels = Int32Array.from({ length }, (_, i) => i % 1000);
  return data.fromArrays(inputs, labels, { inputs: { shape: [1024] } });
}

function newTrainer() {
  const layers = WIDTHS.slice(1).flatMap((width, i) => {
    const linear = new nn.Linear(WIDTHS[i] ?? 0, width);
    return i + 2 < WIDTHS.length ? [linear, new nn.ReLU()] : [linear];
  });
  return new Trainer(new nn.Sequential(...layers), {
    loss: nn.crossEntropy,
    optimizer: optim.adam(),
    workers: 2,
  });
}

/** Milliseconds of one core for the copy, the checksum and the file: the least of several measurements. */
function parts() {
  const parameters = WIDTHS.slice(1).reduce((sum, width, i) => sum + width * ((WIDTHS[i] ?? 0) + 1), 0);
  const [from, to] = [1, 2].map((value) =>
    new Float32Array(new SharedArrayBuffer(12 * parameters)).fill(value),
  );
  if (!from || !to) return '';
  const bytes = new Uint8Array(to.buffer);
  const path = join(dir, 'probe');
  const write = () => {
    const file = openSync(path, 'w');
    for (let done = 0; done < bytes.length; )
      done += writeSync(file, bytes, done, Math.min(2 ** 26, bytes.length - done));
    fsyncSync(file);
    closeSync(file);
  };
  /** @param {() => unknown} work */
  const least = (work) => {
    const times = Array.from({ length: 8 }, () => {
      const before = process.cpuUsage();
      work();
      const { user, system } = process.cpuUsage(before);
      return (user + system) / 1000;
    });
    return Math.min(...times).toFixed(0);
  };
  const text =
    `${(bytes.length / 1e6).toFixed(0)} MB: copied in ${least(() => to.set(from))} ms, hashed in ` +
    `${least(() => createHash('sha256').update(bytes).digest())} ms, written in ${least(write)} ms of one core`;
  rmSync(path);
  return text;
}

console.log(parts());

/** @param {Float64Array} values */
const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

const options = { epochs: rounds + 1, batchSize: BATCH, shuffle: false };
const [plain, saving] = [newTrainer(), newTrainer()];
// Makes the save that is due in every epoch fall into the middle of one.
for (const trainer of [plain, saving]) {
  for await (const _ of trainer.fit(batches(FIRST), { ...options, epochs: 1 }));
}
const epoch = batches(STEPS);
const runs = [
  plain.fit(epoch, options),
  saving.fit(epoch, { ...options, checkpoint: { dir, everySteps: STEPS, keep: 1 } }),
];
/** @type {number[][]} */
const seconds = [[], []];
for (let round = 0; round <= rounds; round++) {
  for (const [i, run] of runs.entries()) {
    const { value } = await run.next();
    // The first epoch is a warm-up.
    if (round > 0 && value) seconds[i]?.push(value.seconds);
    // Writing a file must not disturb the other run.
    await pause(1500);
  }
}
for (const run of runs) await run.return(undefined);
const [without = Number.NaN, withSave = Number.NaN] = seconds.map((list) => median(Float64Array.from(list)));
const file = readdirSync(dir)[0] ?? '';
const megabytes = statSync(join(dir, file)).size / 1e6;
rmSync(dir, { recursive: true, force: true });
const step = (1000 * without) / STEPS;
const cost = 1000 * (withSave - without);
console.log(
  `a step takes ${step.toFixed(1)} ms, a checkpoint of ${megabytes.toFixed(0)} MB adds ${cost.toFixed(1)} ms in all ` +
    `(${(cost / step).toFixed(2)} steps), medians of ${rounds} epochs of ${STEPS} steps`,
);
console.log(seconds.map((list) => list.map((value) => value.toFixed(3)).join(' ')).join('\n'));
