import { rename } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';

/** What Windows answers while someone has the target open: another writer, a virus scanner, an indexer. */
const BUSY = new Set(['EPERM', 'EACCES', 'EBUSY']);

/** Waits between attempts, in milliseconds: ten seconds in all, as scanners of large files take. */
const WAITS = [1, 2, 5, 10, 20, 50, 100, 200, 500, ...Array<number>(9).fill(1000)];

/** Renames a file, in the place of another one if there is one. On Windows it waits for others to close that one. */
export async function renameOver(from: string, to: string): Promise<void> {
  await retryWhileBusy(() => rename(from, to), process.platform);
}

/**
 * Calls `attempt` until it succeeds. On Windows, a failure because of others is tried again after each of the `waits`.
 *
 * @throws what the last attempt throws
 */
export async function retryWhileBusy(
  attempt: () => Promise<void>,
  platform: NodeJS.Platform,
  waits: readonly number[] = WAITS,
): Promise<void> {
  for (const wait of platform === 'win32' ? waits : []) {
    try {
      return await attempt();
    } catch (error) {
      if (!BUSY.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
      await setTimeout(wait);
    }
  }
  await attempt();
}
