import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Subject } from '../measure.js';

// Beside the sources: the build does not copy what is not TypeScript.
const script = fileURLToPath(new URL('../../../bench/peers/pytorch.py', import.meta.url));

/** How to get the peer, for those who do not have it. */
export const hint =
  'PyTorch is skipped: python3 -m venv .venv && .venv/bin/pip install torch==2.13.0, then CHAINRULE_PYTHON=.venv/bin/python';

/** A Python process that times PyTorch's steps when it is asked to. */
export class PyTorch {
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;
  readonly #reader: Interface;

  private constructor(python: string, threads: number) {
    this.#process = spawn(python, [script, String(threads)], {
      env: { ...process.env, OMP_NUM_THREADS: String(threads) },
    });
    this.#process.on('error', () => {});
    this.#process.stdin.on('error', () => {});
    this.#reader = createInterface({ input: this.#process.stdout });
    this.#lines = this.#reader[Symbol.asyncIterator]();
  }

  /** Starts PyTorch on so many threads; null where Python or PyTorch is not there. */
  static async start(threads: number): Promise<{ peer: PyTorch; version: string } | null> {
    const peer = new PyTorch(process.env.CHAINRULE_PYTHON ?? 'python3', threads);
    const { value, done } = await peer.#lines.next();
    if (done) return null;
    return { peer, version: value };
  }

  subject(scenario: string): Subject {
    return {
      name: 'PyTorch',
      round: async () => {
        this.#process.stdin.write(`${scenario}\n`);
        const { value, done } = await this.#lines.next();
        if (done) throw new Error(`PyTorch ended while it ran ${scenario}`);
        return Number(value);
      },
      close: async () => {},
    };
  }

  stop(): void {
    this.#reader.close();
    this.#process.stdin.end();
  }
}
