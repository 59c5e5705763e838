import { Worker } from 'node:worker_threads';
import { type ChainruleError, failed } from '../graph/errors.js';
import { resultOf } from '../graph/outcome.js';
import { compiledModule } from '../runtime/package-root.js';
import type { Newest } from './directory.js';
import type { Reply, Request, Work } from './requests.js';

interface Settle {
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/**
 * Thread that reads and writes checkpoints, so that neither hashing nor a slow disk blocks other threads. It keeps the
 * process alive only while it has work.
 */
export class CheckpointThread {
  readonly #worker = new Worker(compiledModule('lib/checkpoint/worker.js'));
  readonly #waiting = new Map<number, Settle>();
  readonly #work = new Set<Promise<unknown>>();
  #requests = 0;
  #gone: ChainruleError | undefined;

  constructor() {
    this.#worker.unref();
    this.#worker.on('message', (reply: Reply) => this.#settle(reply));
    this.#worker.on('error', (cause: Error) => this.#fail({ cause }));
    this.#worker.on('exit', () => this.#fail());
  }

  /** Creates the directory, removes leftovers, and finds the newest intact checkpoint. */
  open(dir: string): Promise<Newest> {
    return this.#ask({ kind: 'open', dir }) as Promise<Newest>;
  }

  /** Rejects if the directory is not writable. */
  async probe(dir: string): Promise<void> {
    await this.#ask({ kind: 'probe', dir });
  }

  /** Reads a verified file into memory. */
  async load(work: Omit<Extract<Work, { kind: 'load' }>, 'kind'>): Promise<void> {
    await this.#ask({ kind: 'load', ...work });
  }

  /** Writes a checkpoint and returns its path. The memory must not change until the promise settles. */
  save(work: Omit<Extract<Work, { kind: 'save' }>, 'kind'>): Promise<string> {
    return this.#ask({ kind: 'save', ...work }) as Promise<string>;
  }

  /** Terminates the thread once all earlier requests are done. */
  async end(): Promise<void> {
    await Promise.allSettled(this.#work);
    await this.#worker.terminate();
  }

  async #ask(work: Work): Promise<unknown> {
    if (this.#gone) throw this.#gone;
    const id = this.#requests++;
    const answer = new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker.ref();
      this.#worker.postMessage({ id, ...work } satisfies Request);
    });
    this.#work.add(answer);
    try {
      return await answer;
    } finally {
      this.#work.delete(answer);
    }
  }

  #settle(reply: Reply): void {
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if (this.#waiting.size === 0) this.#worker.unref();
    try {
      waiting?.resolve(resultOf(reply.outcome));
    } catch (error) {
      waiting?.reject(error);
    }
  }

  #fail(details: { readonly cause?: Error } = {}): void {
    const expected = 'the thread that writes checkpoints was ended';
    this.#gone ??= failed('ERR_CHAINRULE_WORKER_ENDED', 'checkpoint', expected, details);
    for (const { reject } of this.#waiting.values()) reject(this.#gone);
    this.#waiting.clear();
  }
}
