import { type ChildProcess, spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Flags of Node.js. */
  readonly flags?: readonly string[];
  /** Columns of the terminal that standard output and standard error seem to be; pipes by default. */
  readonly columns?: number;
  /** Called with all of the output so far when there is more. */
  readonly onOutput?: (program: ChildProcess, text: string) => void;
}

/** The command line, and what a module that it loads has to import, in a few files as in the published package. */
export const program = resolve('dist/lib/published/cli/main.js');
export const library = pathToFileURL(resolve('dist/lib/published/index.js')).href;

/** What lets the output seem to be a terminal. */
function terminalOf(columns: number | undefined): string[] {
  const seen = 'for (const s of [process.stdout, process.stderr]) Object.assign(s, { isTTY: true, columns';
  return columns ? ['--import', `data:text/javascript,${seen}: ${columns} })`] : [];
}

/** Runs the command line of the package as a user does. */
export function chainrule(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const { cwd, env, flags = [], columns, onOutput } = options;
  const child = spawn(process.execPath, [...flags, ...terminalOf(columns), program, ...args], {
    ...(cwd === undefined ? {} : { cwd }),
    env: { ...process.env, ...env },
  });
  const texts = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      texts[name] += text;
      onOutput?.(child, texts.stdout + texts.stderr);
    });
  }
  return new Promise((done, failed) => {
    child.on('error', failed);
    child.on('close', (code, signal) => done({ code, signal, ...texts }));
  });
}

/**
 * Runs the command line in a thread, which takes half as long as a process: for what ends before any work, and depends on
 * its arguments alone.
 */
export function chainruleInThread(
  args: readonly string[],
  { columns }: Pick<RunOptions, 'columns'> = {},
): Promise<Omit<Ended, 'signal'>> {
  const worker = new Worker(program, {
    argv: [...args],
    execArgv: terminalOf(columns),
    stdout: true,
    stderr: true,
  });
  const texts = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    worker[name].setEncoding('utf8').on('data', (text: string) => {
      texts[name] += text;
    });
  }
  return new Promise((done, failed) => {
    worker.on('error', failed);
    worker.on('exit', (code) => done({ code, ...texts }));
  });
}
