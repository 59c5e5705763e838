// Running commands for the set-up: quiet while they work, with their output if they fail. Needs no npm package.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of the package. */
export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

// Lines shown of a long output: the first (npm gives its reason there) and the last (compilers and CMake do).
const FIRST_LINES = 15;
const LAST_LINES = 45;
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 };

/** A failure of the set-up. `output` is that of the failing command, `hint` the next step. */
export class SetupError extends Error {
  /** @param {string} message @param {{ output?: string, hint?: string }} [more] */
  constructor(message, { output = '', hint = '' } = {}) {
    super(message);
    this.output = output;
    this.hint = hint;
  }
}

/**
 * Runs a command and resolves to its exit code and output. Never rejects: a command that does not exist has code 127.
 * @param {string} command
 * @param {string[]} args
 * @param {{ env?: NodeJS.ProcessEnv | undefined, cwd?: string, input?: string, inherit?: boolean }} [options]
 *   `inherit`: the command has the terminal, and `output` stays empty.
 * @returns {Promise<{ code: number, output: string }>}
 */
export function capture(command, args, { env, cwd = root, input, inherit = false } = {}) {
  return new Promise((resolve) => {
    // Windows starts npm and its like, which are scripts there, through a shell only.
    const shell = process.platform === 'win32' && command !== process.execPath;
    const child = spawn(command, shell ? args.map((arg) => `"${arg}"`) : args, {
      cwd,
      shell,
      // A notice would stand among what npm prints.
      env: { npm_config_update_notifier: 'false', ...process.env, ...env },
      stdio: inherit ? 'inherit' : [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    });
    let output = '';
    const keep = (/** @type {Buffer} */ chunk) => {
      output += chunk;
    };
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    // A command that ends without reading its input is not an error.
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);

    let stopped = 0;
    const stop = (/** @type {'SIGINT' | 'SIGTERM'} */ signal) => {
      stopped = EXIT_CODES[signal];
      child.kill(signal);
    };
    process.on('SIGINT', stop).on('SIGTERM', stop);
    const finish = (/** @type {number} */ code) => {
      process.off('SIGINT', stop).off('SIGTERM', stop);
      if (stopped) process.exit(stopped);
      resolve({ code, output });
    };
    child.on('error', (error) => {
      output += error.message;
      finish(127);
    });
    child.on('close', (code) => finish(code ?? 1));
  });
}

/**
 * Runs a command that has to succeed and resolves to its output.
 * @param {string} command
 * @param {string[]} args
 * @param {{ env?: NodeJS.ProcessEnv | undefined, cwd?: string, hint?: string }} [options]
 */
export async function run(command, args, { env, cwd = root, hint = '' } = {}) {
  const { code, output } = await capture(command, args, { env, cwd });
  if (code === 0) return output;
  throw new SetupError(`failed (exit code ${code}): ${commandLine(command, args)}`, { output, hint });
}

/** Runs a script with the Node.js that runs this one. @type {typeof run} */
export const runNode = (script, args, options) => run(process.execPath, [script, ...args], options);

/**
 * Prints one line around a piece of work: what it is, then the seconds it took. On standard error, since the output of
 * `npm run bench -- --json` and the like is for other programs.
 * @template T
 * @param {string} what
 * @param {() => Promise<T>} work
 */
export async function step(what, work) {
  process.stderr.write(`${what} ... `);
  const start = performance.now();
  try {
    const result = await work();
    console.error(`${seconds(start)} s`);
    return result;
  } catch (error) {
    console.error('failed');
    throw error;
  }
}

/** Seconds since `start`, to print. @param {number} start */
export const seconds = (start) => ((performance.now() - start) / 1000).toFixed(1);

/**
 * Prints an error and the next step; anything but a SetupError is a bug of the scripts and is thrown again.
 * @param {unknown} error
 */
export function report(error) {
  if (!(error instanceof SetupError)) throw error;
  const lines = error.output.trimEnd().split('\n');
  const left = lines.length - FIRST_LINES - LAST_LINES;
  if (left > 0) lines.splice(FIRST_LINES, left, `(... ${left} more lines ...)`);
  if (error.output) console.error(lines.join('\n'));
  console.error(`\n${error.message}`);
  if (error.hint) console.error(error.hint);
}

/** @param {string} command @param {string[]} args */
function commandLine(command, args) {
  const words = [command === process.execPath ? 'node' : command, ...args];
  return words.map((word) => word.replace(`${root}/`, '')).join(' ');
}

/** @type {Set<string>} */
const temporary = new Set();

/** A new folder, which is removed when this process ends, also by Ctrl-C. @param {string} prefix of its name */
export function temporaryFolder(prefix) {
  if (temporary.size === 0) {
    process.once('exit', () => {
      for (const folder of temporary) rmSync(folder, { recursive: true, force: true });
    });
  }
  const folder = mkdtempSync(join(tmpdir(), prefix));
  temporary.add(folder);
  return folder;
}
