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
  const ready = new Promise((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line.startsWith('{')) result = JSON.parse(line);
      resolve(undefined);
    });
    child.once('close', resolve);
  });
  const closed = once(child, 'close').then(([code, signal]) => ({ code, signal, result, errors }));
  return { child, ready, closed };
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
 * @property {number} milliseconds after which it was killed, from its first epoch on
 * @property {boolean} saving whether it was killed while a file was being written
 */

/**
 * Kills the program by SIGKILL at random moments and restarts it, each time with another number of workers; then lets
 * it end.
 *
 * @param {object} options
 * @param {string} options.dir
 * @param {number} options.kills
 * @param {number} options.longest milliseconds from the first epoch of a life until it is killed
 * @param {number} [options.seed] decides the moments
 * @param {Omit<import('./resumable-run.mjs').RunOptions, 'dir' | 'workers'>} options.run
 * @returns {Promise<{ result: RunResult, lives: Life[], warnings: string }>} `lives` is shorter than `kills` where the
 *   program came to its end first
 */
export async function killAndResume({ dir, kills, longest, seed = 1, run }) {
  const counts = [1, 2, 3, 4, 5, 8];
  const moments = hashUniform(kills, seed, 0, longest);
  /** @type {Life[]} */
  const lives = [];
  let warnings = '';
  for (const [life, milliseconds] of moments.entries()) {
    const workers = counts[life % counts.length] ?? 1;
    const { child, ready, closed } = start({ ...run, dir, workers });
    await ready;
    await pause(milliseconds);
    child.kill('SIGKILL');
    const { signal, errors } = await closed;
    warnings += errors;
    if (signal !== 'SIGKILL') break;
    lives.push({ workers, milliseconds, saving: readdirSync(dir).some((name) => name.endsWith('.tmp')) });
  }
  const workers = counts[kills % counts.length] ?? 1;
  return { result: await complete({ ...run, dir, workers }), lives, warnings };
}
