// The TypeScript: compiled into dist, incrementally.
import { capture, SetupError, seconds } from './run.mjs';

export const tsc = 'node_modules/typescript/lib/tsc.js';

/** Compiles lib, bench and examples into dist; prints a line if anything was written. */
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
  if (errors !== output) console.error(`Compiling the TypeScript ... ${seconds(start)} s`);
}
