import type { FileHandle } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';

/** Room for the text in a lock file; what is behind it is none of ours. */
const MOST_BYTES = 4096;
/** Looks at a file that is still empty, and the milliseconds between them: whoever has just locked it is about to write. */
const LOOKS = 5;
const PAUSE = 20;

/** The text of a lock file, for people: the lock itself is the kernel's. */
export function describeThisProcess(): string {
  return JSON.stringify({ pid: process.pid, host: hostname(), since: new Date().toISOString() });
}

/** Who holds a lock, as its file says it: `process 1234 on host a since ...`. Never throws; the file may say anything. */
export async function describeHolder(file: FileHandle): Promise<string> {
  try {
    const { pid, host, since } = JSON.parse(await textOf(file));
    if (!Number.isSafeInteger(pid) || !isName(host) || !isName(since)) return 'another run';
    const own = pid === process.pid && host === hostname() ? ', the PID of this process,' : '';
    return `process ${pid}${own} on host ${host} since ${since}`;
  } catch {
    return 'another run';
  }
}

async function textOf(file: FileHandle): Promise<string> {
  for (let look = 1; ; look++) {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(MOST_BYTES), 0, MOST_BYTES, 0);
    if (bytesRead > 0 || look === LOOKS) return buffer.toString('utf8', 0, bytesRead);
    await pause(PAUSE);
  }
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && /^[\w.:-]{1,255}$/.test(value);
}
