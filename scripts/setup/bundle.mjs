// The published code: all modules of an entry in a few files, which load several times faster than hundreds of small
// ones.
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './run.mjs';

/** The modules that programs import, the command line, the entries of threads, and what reports that one cannot load. */
export const entries = [
  'lib/index.js',
  'lib/cli/main.js',
  'lib/parallel/worker/worker.js',
  'lib/graph/outcome.js',
  'lib/profile/peak-worker.js',
  'lib/bench/service-load.js',
  'lib/bench/limits/worker.js',
  'lib/bench/kernels/worker.js',
  'lib/checkpoint/worker.js',
];

/**
 * Replaces the compiled modules in dist by bundles that share their common parts; the types stay. The next compilation
 * writes the modules again.
 */
export async function bundle() {
  // Imported here, because only those who pack the package have it.
  const { build } = await import('esbuild');
  const dist = join(root, 'dist');
  const modules = compiled(dist);
  const { outputFiles } = await build({
    entryPoints: entries.map((entry) => join(dist, entry)),
    outbase: dist,
    outdir: dist,
    chunkNames: 'lib/parts/[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    // Error messages and files of weights contain class names.
    keepNames: true,
    write: false,
  });
  for (const module of [...modules, join(dist, '.tsbuildinfo')]) rmSync(module, { force: true });
  for (const { path, contents } of outputFiles) {
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, contents);
  }
}

/** @param {string} folder */
function compiled(folder) {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.js(\.map)?$/.test(name))
    .map((name) => join(folder, name));
}
