import { parentPort } from 'node:worker_threads';
import { findNewest, openDirectory, pathOf, probeDirectory, removeOld } from './directory.js';
import { loadCheckpoint, writeCheckpoint } from './file.js';
import type { Failure, Reply, Request, Work } from './requests.js';

// Entry point of the checkpoint thread, which reads, hashes and writes files whose tensors are in shared memory.
parentPort?.on('message', async ({ id, ...work }: Request) => {
  let reply: Reply;
  try {
    reply = { id, value: await perform(work) };
  } catch (error) {
    reply = { id, failure: failureOf(error) };
  }
  parentPort?.postMessage(reply);
});

async function perform(work: Work): Promise<unknown> {
  switch (work.kind) {
    case 'open':
      await openDirectory(work.dir);
      return findNewest(work.dir);
    case 'probe':
      return probeDirectory(work.dir);
    case 'load':
      return loadCheckpoint(work.path, work.header, work.sources);
    case 'save': {
      const path = pathOf(work.dir, work.step);
      await writeCheckpoint(path, work.sources, work.state);
      await removeOld(work.dir, work.step, work.keep);
      return path;
    }
  }
}

/** The error as plain data, because an error sent to another thread loses its `code`. */
function failureOf(error: unknown): Failure {
  if (!(error instanceof Error)) return { message: String(error) };
  const { code } = error as NodeJS.ErrnoException;
  return { message: error.message, ...(code === undefined ? {} : { code }) };
}
