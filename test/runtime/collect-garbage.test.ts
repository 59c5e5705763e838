import { Worker } from 'node:worker_threads';
import { expect, it } from 'vitest';
import { collectGarbage } from '#lib/runtime/collect-garbage.js';

it('garbage is collected when the promise resolves', async () => {
  const garbage = new WeakRef({});
  await collectGarbage();
  expect(garbage.deref()).toBeUndefined();
});

it('garbage of a worker thread is collected as well', async () => {
  const body = `
    import('#lib/runtime/collect-garbage.js').then(async ({ collectGarbage }) => {
      const garbage = new WeakRef({});
      await collectGarbage();
      require('node:worker_threads').parentPort.postMessage(garbage.deref() === undefined);
    });`;
  const worker = new Worker(body, { eval: true });
  const collected = await new Promise((resolve, reject) =>
    worker.once('message', resolve).once('error', reject),
  );
  expect(collected).toBe(true);
});
