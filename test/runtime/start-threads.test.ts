import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect, it } from 'vitest';
import { startThreads } from '#lib/runtime/start-threads.js';
import { failure } from '../helpers/graphs.js';

const idle = () => new Worker('setInterval(() => {}, 1000)', { eval: true });

it('threads that the system refuses are an error that says why, and those before it are ended', async () => {
  const other = idle();
  const started: Worker[] = [];
  const refused = new Error('EAGAIN');
  const starting = startThreads('3 worker threads', () => {
    started.push(idle(), idle());
    throw refused;
  });
  // Started in the same turn, but by somebody else.
  const later = idle();
  const error = await failure(starting);
  expect(error).toMatchObject({ code: 'ERR_CHAINRULE_WORKER_ENDED', cause: refused });
  expect(error.message).toBe(
    'parallel: 3 worker threads could not be started (EAGAIN); the limits are those of processes (ulimit -u, pids of a ' +
      'container) and of memory',
  );
  // A thread that has ended has the ID -1.
  expect(started.map(({ threadId }) => threadId)).toEqual([-1, -1]);
  for (const worker of [other, later]) {
    expect(worker.threadId).toBeGreaterThan(0);
    const exit = once(worker, 'exit');
    await worker.terminate();
    await exit;
  }
  expect(process.listenerCount('worker')).toBe(0);
});

it('gives what was started', async () => {
  const before = process.listenerCount('worker');
  expect(await startThreads('none', () => 5)).toBe(5);
  await new Promise((resolve) => setImmediate(resolve));
  expect(process.listenerCount('worker')).toBe(before);
});
