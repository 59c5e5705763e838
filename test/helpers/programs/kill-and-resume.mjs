// Kills a training again and again, and collects the results. For tests, and for programs that print the result.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { hashUniform } from '#examples/lib/formula.js';

const program = fileURLToPath(new URL('./resumable-run.mjs', import.meta.url));

/**
 * @typedef {object} RunResult what `resumable-run.mjs` prints at its end
 * @property {string} hash of the weights and buffers
 * @property {string} figures hash of the history's losses
 * @property {number} from the step that it resumed from
 * @property {number} steps
 * @property {number[]} epochs that it yielded
 * @property {number} milliseconds
 * @property {string} [error] of `fit`; then the other fields are missing
 * @property {string} [code] that of the error
 */

/**
 * Starts the program.
 *
 * @param {import('./resumable-run.mjs').RunOptions} options
 */
export function start(options) {
  const child = spawn(process.execPath, [program, JSON.stringify(options)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 300_000,
    killSignal: 'SIGKILL',
  });
  /** @type {RunResult | undefined} */
  let result;
  let errors = '';
  child.stderr.on('data', (text) => {
    errors += text;
  });
  let epochs = 0;
  /** @type {Map<number, () => void>} */
  const waiting = new Map();
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line.startsWith('{')) result = JSON.parse(line);
    else waiting.get(++epochs)?.();
  });
  const closed = once(child, 'close').then(([code, signal]) => ({ code, signal, result, errors }));
  /** Resolves when this process has trained so many epochs, or has ended. @param {number} count */
  const trained = (count) =>
    Promise.race([
      closed,
      epochs >= count ? undefined : new Promise((resolve) => waiting.set(count, () => resolve(undefined))),
    ]);
  return { child, trained, closed };
}

/**
 * Runs the program to its end.
 *
 * @param {import('./resumable-run.mjs').RunOptions} options
 * @returns {Promise<RunResult>}
 */
export async function complete(options) {
  const { result, errors } = await start(options).closed;
  if (!result) throw new Error(`the run failed: ${errors}`);
  return result;
}

/**
 * @typedef {object} Life
 * @property {number} workers
 * @property {boolean} saving whether it was killed while a file was being written
 */

/**
 * Kills the program by SIGKILL at random moments and restarts it, each time with another number of workers; then lets
 * it end.
 *
 * @param {object} options
 * @param {string} options.dir
 * @param {number} options.kills
 * @param {number} options.epochMilliseconds an estimate, within which the moment of a kill in its epoch is random
 * @param {number} [options.seed] decides the moments
 * @param {Omit<import('./resumable-run.mjs').RunOptions, 'dir' | 'workers'>} options.run
 * @returns {Promise<{ result: RunResult, lives: Life[], warnings: string }>}
 */
export async function killAndResume({ dir, kills, epochMilliseconds, seed = 1, run }) {
  const counts = [1, 2, 3, 4, 5, 8];
  // Half of the epochs at most, so that the program cannot come to its end before all kills, however fast it is.
  const epochs = hashUniform(kills, seed, 1, (run.epochs ?? 40) / (2 * kills));
  /** @type {Life[]} */
  const lives = [];
  let warnings = '';
  for (const [life, lasting] of epochs.entries()) {
    const workers = counts[life % counts.length] ?? 1;
    const { child, trained, closed } = start({ ...run, dir, workers });
    await trained(Math.floor(lasting));
    await pause((lasting % 1) * epochMilliseconds);
    child.kill('SIGKILL');
    const { signal, errors } = await closed;
    warnings += errors;
    if (signal !== 'SIGKILL') throw new Error(`the run ended before it was killed: ${errors}`);
    lives.push({ workers, saving: readdirSync(dir).some((name) => name.endsWith('.tmp')) });
  }
  const workers = counts[kills % counts.length] ?? 1;
  return { result: await complete({ ...run, dir, workers }), lives, warnings };
}
