import { parentPort } from 'node:worker_threads';
import { outcomeOf } from '../graph/outcome.js';
import { findNewest, openDirectory, pathOf, probeDirectory, removeOld } from './directory.js';
import { loadCheckpoint, requireFinite, writeCheckpoint } from './file.js';
import type { Reply, Request, Work } from './requests.js';

// Entry point of the checkpoint thread, which reads, hashes and writes files whose tensors are in shared memory.
parentPort?.on('message', async ({ id, ...work }: Request) => {
  const outcome = await outcomeOf(() => perform(work));
  parentPort?.postMessage({ id, outcome } satisfies Reply);
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
      requireFinite(work.sources);
      await writeCheckpoint(path, work.sources, work.state, work.metadata);
      await removeOld(work.dir, work.step, work.keep);
      return path;
    }
  }
}
