import { constants } from 'node:os';
import { addon } from '../runtime/addon.js';

const { errno } = constants;
const held: readonly number[] = [errno.EWOULDBLOCK, errno.EAGAIN];

/**
 * Takes the exclusive lock of an open file (`flock`), without waiting. It belongs to the open file, not to the process:
 * threads exclude each other as well, whatever path they opened. The kernel releases it when the file is closed,
 * however the process ends.
 *
 * @returns 'locked'; 'held' if another open file has the lock; or the system's error, as `ENOLCK` of a file system
 *   without locks
 */
export function tryLock(descriptor: number): string {
  const error = addon().lockFile(descriptor);
  if (error === 0) return 'locked';
  if (held.includes(error)) return 'held';
  const [name] = Object.entries(errno).find(([, number]) => number === error) ?? [`error ${error}`];
  return name;
}
