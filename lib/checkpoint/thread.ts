import { Worker } from 'node:worker_threads';
import { type ChainruleError, failed, messageOf } from '../graph/errors.js';
import { resultOf } from '../graph/outcome.js';
import { compiledModule } from '../runtime/package-root.js';
import { notStarted } from '../runtime/start-threads.js';
import type { Newest } from './directory.js';
import { warn } from './errors.js';
import type { Reply, Request, Work } from './requests.js';

interface Waiting {
  readonly request: Request;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** Deaths of the thread in a row, without an answer between them, after which its work is given up. */
const MOST_DEATHS = 3;

function startWorker(): Worker {
  try {
    return new Worker(compiledModule('lib/checkpoint/worker.js'));
  } catch (cause) {
    throw notStarted('the thread that writes checkpoints', cause);
  }
}

/**
 * Thread that reads and writes checkpoints, so that neither hashing nor a slow disk blocks other threads. It keeps the
 * process alive only while it has work. One that dies is started anew, and does again what it has not answered: all
 * of its work can be done twice.
 */
export class CheckpointThread {
  #worker: Worker | undefined;
  readonly #waiting = new Map<number, Waiting>();
  readonly #work = new Set<Promise<unknown>>();
  #requests = 0;
  #deaths = 0;
  #ended = false;

  constructor() {
    this.#worker = this.#start();
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
    this.#ended = true;
    await this.#worker?.terminate();
  }

  #start(): Worker {
    const worker = startWorker();
    let cause: unknown;
    worker.unref();
    worker.on('message', (reply: Reply) => this.#settle(reply));
    worker.on('error', (error: unknown) => {
      cause = error;
    });
    worker.on('exit', () => this.#died(cause));
    return worker;
  }

  async #ask(work: Work): Promise<unknown> {
    if (this.#ended) throw threadEnded(undefined);
    const request: Request = { id: this.#requests++, ...work };
    const answer = new Promise((resolve, reject) => {
      this.#waiting.set(request.id, { request, resolve, reject });
      this.#send(request);
    });
    this.#work.add(answer);
    try {
      return await answer;
    } finally {
      this.#work.delete(answer);
    }
  }

  #send(request: Request): void {
    this.#worker ??= this.#start();
    this.#worker.ref();
    this.#worker.postMessage(request);
  }

  #settle(reply: Reply): void {
    this.#deaths = 0;
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if (this.#waiting.size === 0) this.#worker?.unref();
    try {
      waiting?.resolve(resultOf(reply.outcome));
    } catch (error) {
      waiting?.reject(error);
    }
  }

  #died(cause: unknown): void {
    this.#worker = undefined;
    const unanswered = [...this.#waiting.values()];
    if (unanswered.length === 0) return;
    if (!this.#ended && ++this.#deaths < MOST_DEATHS) {
      const why = cause === undefined ? '' : `: ${messageOf(cause)}`;
      warn(`the thread that writes checkpoints was ended and is started anew${why}`);
      for (const { request } of unanswered) this.#send(request);
      return;
    }
    this.#deaths = 0;
    this.#waiting.clear();
    for (const { reject } of unanswered) reject(threadEnded(cause));
  }
}

function threadEnded(cause: unknown): ChainruleError {
  const expected = 'the thread that writes checkpoints was ended';
  const details = cause === undefined ? {} : { cause };
  return failed('ERR_CHAINRULE_WORKER_ENDED', 'checkpoint', expected, details);
}
