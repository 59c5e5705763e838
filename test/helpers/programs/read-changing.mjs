// Reads a file again and again while a thread cuts it short and lets it grow again; counts reads and refusals. A read that
// gives other samples than the file had ends the program with an error.
import assert from 'node:assert/strict';
import { readFileSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { data } from '../../../dist/lib/published/index.js';

if (isMainThread) {
  const [path, count] = /** @type {[string, string]} */ (process.argv.slice(2));
  const whole = readFileSync(path);
  const ended = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(new URL(import.meta.url), { workerData: { path, whole, ended } });
  await new Promise((resolve) => worker.once('online', resolve));
  const labels = new Int32Array(whole.length / 48);
  let [read, refused] = [0, 0];
  while (read + refused < Number(count) || refused === 0) {
    try {
      const field = data.mapFile(path, { dtype: 'uint8', shape: [48], length: labels.length });
      const [batch] = data.batches(data.fromArrays(field, labels), { batchSize: labels.length });
      assert.deepEqual(Buffer.from(/** @type {Uint8Array} */ (batch?.inputs.data)), whole);
      read++;
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error;
      assert.match(String(error), /the file (is cut short|has changed)/);
      refused++;
    }
  }
  Atomics.store(ended, 0, 1);
  console.log(JSON.stringify({ read, refused }));
} else {
  const { path, whole } = workerData;
  const ended = /** @type {Int32Array} */ (workerData.ended);
  while (Atomics.load(ended, 0) === 0) {
    truncateSync(path, 100);
    // Written before it grows again, so that a whole file has the samples.
    writeFileSync(path, whole);
    utimesSync(path, 1e9, Math.random() * 1e9);
  }
}
