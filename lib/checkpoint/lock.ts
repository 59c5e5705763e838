import { constants } from 'node:fs';
import { access, type FileHandle, open, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { failed } from '../graph/errors.js';
import { tryLock } from '../io/file-lock.js';
import { makeDirectory } from '../io/make-directory.js';
import { describeHolder, describeThisProcess } from './lock-holder.js';
import type { CompleteOptions } from './options.js';

const NAME = '.lock';
/** Neither follows a link to somewhere else nor waits for the other end of a pipe. */
const CAREFULLY = constants.O_NOFOLLOW | constants.O_NONBLOCK;
/** Milliseconds between two looks at a lock that another run holds: the first pause, and the longest. */
const FIRST_PAUSE = 20;
const LONGEST_PAUSE = 1000;
/** A lock file that is another one at each look: something removes it all the time. */
const MOST_REPLACEMENTS = 100;

type Options = Pick<CompleteOptions, 'dir' | 'wait' | 'lock'>;

/** What came of one attempt: the locked file, or who holds it. */
type Attempt = { readonly file: FileHandle } | { readonly holder: string };

/**
 * The right of one run to a directory: an exclusive lock of the kernel on a file in it. No process that has ended holds
 * one, whatever ended it, nor does one before a restart; processes of other containers on the volume are seen. The
 * text in the file only serves messages.
 */
export class DirectoryLock {
  private constructor(
    private readonly options: Pick<Options, 'dir' | 'lock'>,
    private file: FileHandle | undefined,
  ) {}

  /**
   * Creates the directory if missing, and locks it. One that cannot be written to is not locked: nobody is in the way.
   *
   * @throws (rejects) ERR_CHAINRULE_IN_USE if another run holds it for longer than `wait`, with who does; if the file
   *   system has no locks; the signal's reason
   */
  static async acquire(options: Options, signal?: AbortSignal): Promise<DirectoryLock> {
    const { dir, wait, lock } = options;
    await makeDirectory(dir);
    if (!lock) return new DirectoryLock(options, undefined);
    const began = performance.now();
    for (let milliseconds = FIRST_PAUSE; ; milliseconds = Math.min(2 * milliseconds, LONGEST_PAUSE)) {
      signal?.throwIfAborted();
      const attempt = await lockIn(dir);
      if (!attempt || 'file' in attempt) return new DirectoryLock(options, attempt?.file);
      const left = began + wait - performance.now();
      if (left <= 0) throw inUse(dir, attempt.holder, wait);
      await pause(Math.min(milliseconds, left), undefined, signal ? { signal } : {}).catch(() => {});
    }
  }

  /**
   * Makes sure of the lock before something is written: a lock file that somebody has removed is made anew.
   *
   * @throws (rejects) if another run has locked the directory meanwhile
   */
  async renew(): Promise<void> {
    const { file } = this;
    const { dir, lock } = this.options;
    if (!lock || (file && (await isAt(file, join(dir, NAME))))) return;
    const attempt = await lockIn(dir);
    if (!attempt) return;
    if ('holder' in attempt) throw inUse(dir, attempt.holder, 0);
    this.file = attempt.file;
    await file?.close();
  }

  /** Unlocks the directory, and removes the file. */
  async release(): Promise<void> {
    const { file } = this;
    this.file = undefined;
    if (!file) return;
    const path = join(this.options.dir, NAME);
    try {
      // Whoever opened this file before finds, once it has the lock, that it is no longer there, and tries again.
      if (await isAt(file, path)) await rm(path, { force: true });
    } finally {
      await file.close();
    }
  }
}

/** Tries to lock a directory; undefined if it cannot be written to. */
async function lockIn(dir: string): Promise<Attempt | undefined> {
  const path = join(dir, NAME);
  for (let tries = 0; tries < MOST_REPLACEMENTS; tries++) {
    const file = await openIn(dir, path);
    if (file === 'gone') continue;
    if (!file) return undefined;
    const attempt = await lockOf(dir, path, file).catch(async (error: unknown) => {
      await file.close();
      throw error;
    });
    if (attempt) return attempt;
    await file.close();
  }
  throw failed('ERR_CHAINRULE_CHECKPOINT', 'fit', `${path} is removed again and again by something else`);
}

/** Locks an open file; undefined if it is no longer the one at its path. */
async function lockOf(dir: string, path: string, file: FileHandle): Promise<Attempt | undefined> {
  if (!(await file.stat()).isFile()) {
    throw failed('ERR_CHAINRULE_CHECKPOINT', 'fit', `${path} must be a regular file, which serves as a lock`);
  }
  const outcome = tryLock(file.fd);
  if (outcome === 'held') {
    const holder = await describeHolder(file);
    await file.close();
    return { holder };
  }
  if (outcome !== 'locked') {
    await rm(path, { force: true });
    const expected =
      `the file system of checkpoint dir ${dir} must have locks, so that two runs cannot write there at once; choose ` +
      'another directory, or see to that yourself with checkpoint.lock: false';
    throw failed('ERR_CHAINRULE_CHECKPOINT', 'fit', expected, { received: outcome });
  }
  if (!(await isAt(file, path))) return undefined;
  // For messages alone: a full disk has no room for it, and a file of another user may be readable only.
  await file
    .truncate(0)
    .then(() => file.write(describeThisProcess(), 0))
    .catch(() => {});
  return { file };
}

async function openIn(dir: string, path: string): Promise<FileHandle | 'gone' | undefined> {
  try {
    return await open(path, constants.O_RDWR | constants.O_CREAT | CAREFULLY, 0o666);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EROFS') return undefined;
    if (code !== 'EACCES' && code !== 'EPERM') throw error;
    const writable = await access(dir, constants.W_OK).then(
      () => true,
      () => false,
    );
    if (!writable) return undefined;
    // The lock file of another user can be locked if it can be read.
    return open(path, constants.O_RDONLY | CAREFULLY).catch((failure: NodeJS.ErrnoException) => {
      if (failure.code === 'ENOENT') return 'gone';
      throw failure;
    });
  }
}

/** True if an open file is the one at a path. */
async function isAt(file: FileHandle, path: string): Promise<boolean> {
  const here = await stat(path, { bigint: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  const own = await file.stat({ bigint: true });
  return here?.ino === own.ino && here.dev === own.dev;
}

function inUse(dir: string, holder: string, waited: number): Error {
  const after = waited > 0 ? `, and still was after ${waited} ms` : '';
  const expected =
    `checkpoint dir ${dir} is in use by ${holder}${after}; wait for it with checkpoint.wait, or choose another ` +
    'directory';
  return failed('ERR_CHAINRULE_IN_USE', 'fit', expected);
}
