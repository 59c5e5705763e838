import { monitorEventLoopDelay } from 'node:perf_hooks';
import { nn, optim, Trainer } from 'chainrule';
import { expect, it } from 'vitest';
import { mlp, points } from './helpers/training.js';

const LIMIT_MS = 20;
const TRIES = 3;

/** The 99th percentile of the event loop's delay while a model trains for about a second, in milliseconds. */
async function delayWhileTraining(): Promise<number> {
  const trainer = new Trainer(mlp(64, 8, 256), {
    loss: nn.crossEntropy,
    optimizer: optim.adam(),
    workers: 2,
  });
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const start = performance.now();
  for await (const _ of trainer.fit(points(6400, { features: 64, classes: 8 }), {
    epochs: 1000,
    batchSize: 128,
  })) {
    // The first epoch is not counted: it starts the threads.
    delay.enable();
    if (performance.now() - start > 1000) break;
  }
  delay.disable();
  return delay.percentile(99) / 1e6;
}

// The one test that measures time. Another program may hold the cores for a while, so the best try counts.
it('the event loop stays free while workers train', async () => {
  const delays: number[] = [];
  while (delays.length < TRIES && !delays.some((delay) => delay < LIMIT_MS))
    delays.push(await delayWhileTraining());
  expect(Math.min(...delays), `delays in ms: ${delays}`).toBeLessThan(LIMIT_MS);
});
