// The TypeScript: compiled into dist, only what has changed.
import { capture, SetupError, seconds } from './run.mjs';

export const tsc = 'node_modules/typescript/lib/tsc.js';

/** Compiles lib, bench and examples into dist; says so when there was something to write. */
export async function ensureTypes() {
  const start = performance.now();
  const { code, output } = await capture(process.execPath, [
    tsc,
    '-p',
    'tsconfig.json',
    '--listEmittedFiles',
  ]);
  const errors = output.replace(/^TSFILE:.*\n/gm, '');
  if (code !== 0) throw new SetupError('The TypeScript does not compile.', { output: errors });
  if (errors !== output) console.log(`Compiling the TypeScript ... ${seconds(start)} s`);
}
