import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createInterface, type Interface } from 'node:readline';
import { finished } from 'node:stream/promises';
import type { Peer, Prepared } from '../../lib/bench/peer.js';
import type { Scenario } from '../../lib/bench/scenario.js';
import { messageOf } from '../../lib/graph/errors.js';
import { milliseconds, prepared, versionOf } from './answers.js';

/** A program that runs another library, and how to get that library. */
export interface PeerProgram {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Threads that the library has whatever is asked for. */
  readonly threads?: number;
}

/** Time after which an answer counts as missing. The compilers of some libraries take minutes. */
const PATIENCE_MS = 600_000;

/** Time to wait for the end of what a program that has ended wrote to standard error. */
const LAST_WORDS_MS = 5_000;

/** Characters of what a program wrote to standard error that are kept. */
const COMPLAINTS = 2000;

/**
 * A process that times the steps of another library on request: see serve.py. One that has ended, or whose answers can
 * no longer be told apart, is replaced before the next scenario.
 */
export class ProcessPeer implements Peer {
  readonly #program: PeerProgram;
  #process: AnsweringProcess | undefined;
  /** The variant that the program was trying when it ended. */
  #fatal: string | undefined;
  #version = '';

  private constructor(program: PeerProgram) {
    this.#program = program;
  }

  /** Starts a program; null if it, or the library that it runs, is missing. */
  static async start(program: PeerProgram): Promise<ProcessPeer | null> {
    const peer = new ProcessPeer(program);
    return peer.#start().then(
      () => peer,
      () => null,
    );
  }

  get name(): string {
    return this.#program.name;
  }

  get threads(): number | undefined {
    return this.#program.threads;
  }

  get version(): string {
    return this.#version;
  }

  prepare({ model: _, ...scenario }: Scenario): Promise<Prepared> {
    return this.prepareAs(scenario);
  }

  /** Prepares what a description in JSON says. A variant that ends the program is left out in a new one. */
  async prepareAs(description: object): Promise<Prepared> {
    const without: string[] = [];
    const remarks: string[] = [];
    for (;;) {
      if (!this.#process) await this.#start();
      this.#fatal = undefined;
      try {
        const answer = await this.#ask({ prepare: { ...description, without } }, prepared);
        return { ...answer, remarks: [...remarks, ...answer.remarks] };
      } catch (error) {
        const fatal: string | undefined = this.#fatal;
        if (fatal === undefined || without.includes(fatal)) throw error;
        without.push(fatal);
        remarks.push(`${fatal} failed: ${messageOf(error)}`);
      }
    }
  }

  round(): Promise<number> {
    return this.#ask({ round: true }, milliseconds);
  }

  stop(): void {
    this.#process?.stop();
    this.#process = undefined;
  }

  async #start(): Promise<void> {
    this.#process = new AnsweringProcess(this.#program);
    this.#version = versionOf(await this.#answer());
  }

  async #ask<T>(request: object, read: (answer: unknown) => T): Promise<T> {
    if (!this.#process) throw new Error('it has ended');
    this.#process.send(request);
    const answer = await this.#answer();
    const error = errorIn(answer);
    if (error !== undefined) throw new Error(error);
    try {
      return read(answer);
    } catch (cause) {
      this.#abandon();
      throw cause;
    }
  }

  /** The next answer. Without one, the process is given up. */
  async #answer(): Promise<unknown> {
    const asked = this.#process as AnsweringProcess;
    try {
      return await asked.answer();
    } catch (cause) {
      this.#fatal = asked.trying;
      this.#abandon();
      throw cause;
    }
  }

  #abandon(): void {
    this.#process?.kill();
    this.#process = undefined;
  }
}

/** The reason that a program gives instead of an answer. */
function errorIn(answer: unknown): string | undefined {
  const error = fieldOf(answer, 'error');
  return error === undefined ? undefined : String(error);
}

function fieldOf(answer: unknown, name: string): unknown {
  return typeof answer === 'object' && answer !== null ? Reflect.get(answer, name) : undefined;
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw new Error(`it answered ${JSON.stringify(line.slice(0, 200))}`);
  }
}

/** A process that answers each line of JSON by a line of JSON. */
class AnsweringProcess {
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;
  readonly #reader: Interface;
  #complaints = '';
  /** The variant that it said it was trying, since the last request. */
  trying: string | undefined;

  constructor({ command, args, env }: PeerProgram) {
    this.#process = spawn(command, args, { env: { ...process.env, ...env } });
    this.#process.on('error', () => {});
    this.#process.stdin.on('error', () => {});
    this.#process.stderr.on('data', (text: Buffer) => {
      this.#complaints = (this.#complaints + text.toString()).slice(-COMPLAINTS);
    });
    this.#reader = createInterface({ input: this.#process.stdout });
    this.#lines = this.#reader[Symbol.asyncIterator]();
  }

  send(request: object): void {
    this.trying = undefined;
    this.#process.stdin.write(`${JSON.stringify(request)}\n`);
  }

  /** @throws if the process ends, takes too long, or writes something other than JSON */
  async answer(): Promise<unknown> {
    for (;;) {
      const answer = parsed(await this.#line());
      const trying = fieldOf(answer, 'trying');
      if (trying === undefined) return answer;
      this.trying = String(trying);
    }
  }

  async #line(): Promise<string> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      const silence = new Error(`it gave no answer in ${PATIENCE_MS / 60_000} minutes`);
      timer = setTimeout(() => reject(silence), PATIENCE_MS);
    });
    try {
      const { value, done } = await Promise.race([this.#lines.next(), late]);
      if (done) throw new Error(await this.#lastWords());
      return value;
    } finally {
      clearTimeout(timer);
    }
  }

  /** What a process that has ended its output wrote last to standard error, which may arrive after that end. */
  async #lastWords(): Promise<string> {
    // A process that it started may hold the pipe open for longer.
    const tooLong = AbortSignal.timeout(LAST_WORDS_MS);
    await finished(this.#process.stderr, { signal: tooLong }).catch(() => {});
    return this.#complaints === '' ? 'it ended' : `it ended: ${lastLine(this.#complaints)}`;
  }

  stop(): void {
    this.#reader.close();
    this.#process.stdin.end();
  }

  kill(): void {
    this.stop();
    this.#process.kill('SIGKILL');
  }
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}
