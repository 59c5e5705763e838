import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Peer, Prepared, StartPeers } from '../../lib/bench/peer.js';
import type { Scenario } from '../../lib/bench/scenario.js';
import { packageRoot } from '../../lib/runtime/package-root.js';

// In the source tree: the build copies TypeScript only.
const folder = new URL('bench/peers/', packageRoot);

const programs = [
  { name: 'PyTorch', script: 'pytorch_peer.py', install: 'torch==2.13.0' },
  { name: 'JAX', script: 'jax_peer.py', install: 'jax' },
] as const;

/** A Python process that times the steps of another library on request. */
class PythonPeer implements Peer {
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;
  readonly #reader: Interface;
  #version = '';
  #complaints = '';

  private constructor(
    readonly name: string,
    python: string,
    script: string,
    threads: number,
  ) {
    this.#process = spawn(python, [fileURLToPath(new URL(script, folder)), String(threads)], {
      env: { ...process.env, OMP_NUM_THREADS: String(threads) },
    });
    this.#process.on('error', () => {});
    this.#process.stdin.on('error', () => {});
    this.#process.stderr.on('data', (text: Buffer) => {
      this.#complaints = (this.#complaints + text.toString()).slice(-2000);
    });
    this.#reader = createInterface({ input: this.#process.stdout });
    this.#lines = this.#reader[Symbol.asyncIterator]();
  }

  /** Starts a peer on `threads` threads; null if Python or the library is missing. */
  static async start(
    { name, script }: { name: string; script: string },
    threads: number,
  ): Promise<PythonPeer | null> {
    const peer = new PythonPeer(name, process.env.CHAINRULE_PYTHON ?? 'python3', script, threads);
    const { value, done } = await peer.#lines.next();
    if (done) return null;
    peer.#version = (JSON.parse(value) as { version: string }).version;
    return peer;
  }

  get version(): string {
    return this.#version;
  }

  async prepare({ model: _, ...scenario }: Scenario): Promise<Prepared> {
    return (await this.#ask({ prepare: scenario })) as Prepared;
  }

  async round(): Promise<number> {
    return ((await this.#ask({ round: true })) as { ms: number }).ms;
  }

  stop(): void {
    this.#reader.close();
    this.#process.stdin.end();
  }

  async #ask(request: object): Promise<unknown> {
    this.#process.stdin.write(`${JSON.stringify(request)}\n`);
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`bench: ${this.name} ended: ${this.#complaints}`);
    return JSON.parse(value);
  }
}

/** Starts PyTorch and JAX, if installed, and remarks how to install them otherwise. */
export const startPeers: StartPeers = async (threads, remark) => {
  const peers: Peer[] = [];
  for (const program of programs) {
    const peer = await PythonPeer.start(program, threads);
    if (peer) peers.push(peer);
    else remark(hint(program));
  }
  if (peers.length > 0) remark(`compared with ${peers.map(({ version }) => version).join(' and ')}`);
  return peers;
};

function hint({ name, install }: { name: string; install: string }): string {
  return (
    `${name} is skipped, because it is not there: python3 -m venv .venv && PIP_RETRIES=0 .venv/bin/pip install ` +
    `${install}, then CHAINRULE_PYTHON=.venv/bin/python`
  );
}
