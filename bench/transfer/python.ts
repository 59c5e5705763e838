import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { packageRoot } from '../../lib/runtime/package-root.js';

// In the source tree: the build copies TypeScript only.
const script = fileURLToPath(new URL('bench/transfer/pytorch/transfer.py', packageRoot));

const INSTALL =
  'python3 -m venv .venv && PIP_RETRIES=0 .venv/bin/pip install torch==2.13.0 numpy, then CHAINRULE_PYTHON=.venv/bin/python';

/** Python or PyTorch is missing. The message says how to install them. */
export class PyTorchMissing extends Error {
  constructor() {
    super(`transfer needs Python with PyTorch: ${INSTALL}`);
  }
}

/** What PyTorch's side says of a model. */
interface Answer {
  readonly name: string;
  /** The version of PyTorch. */
  readonly version: string;
}

/** What it says when it has written its files. */
export interface Recorded extends Answer {
  readonly parameters: number;
}

/** What it says when it has read ours. */
export interface Checked extends Answer {
  /** Number of tensors of floats in the original. */
  readonly tensors: number;
  /** Number of those in the file that was written back. */
  readonly written: number;
  /** Number of those with the same bits as in the original. */
  readonly same: number;
}

/** PyTorch's side of the comparison: its commands with their answers. */
interface Commands {
  readonly record: Recorded;
  readonly check: Checked;
}

/**
 * Runs a command of PyTorch's side on one thread, and yields what it says of each model.
 *
 * @param folder where both sides put their files
 * @throws PyTorchMissing if it is, and an error with the last line of the script if that fails
 */
export async function* pytorch<C extends keyof Commands>(
  command: C,
  folder: string,
  names: readonly string[],
  python: string = process.env.CHAINRULE_PYTHON ?? 'python3',
): AsyncGenerator<Commands[C], void, undefined> {
  const child = spawn(python, [script, command, folder, ...names], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, OMP_NUM_THREADS: '1', PYTHONDONTWRITEBYTECODE: '1' },
  });
  let complaints = '';
  child.stderr.on('data', (text: Buffer) => {
    complaints = (complaints + text.toString()).slice(-2000);
  });
  const ended = new Promise<number | Error | null>((resolve) => {
    child.once('error', resolve);
    child.once('close', resolve);
  });
  for await (const line of createInterface({ input: child.stdout })) yield JSON.parse(line);
  const end = await ended;
  if (end === 0) return;
  const last = complaints.trim().split('\n').at(-1) ?? '';
  if (end instanceof Error || last.startsWith('ModuleNotFoundError')) throw new PyTorchMissing();
  throw new Error(`transfer: PyTorch's side has failed: ${last || end}`);
}
