// The threads of a clone. Its dist holds modules, which tests and tools import one by one; but a thread starts much sooner
// from one file than from a hundred small ones, and the tests start thousands of threads.
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { root } from './run.mjs';

export const threads = ['lib/parallel/worker/worker', 'lib/checkpoint/worker', 'lib/profile/peak-worker'];

// Stay modules, so that each thread has them once: errors are known by their class, also to what loads a thread's entry and
// to modules of the caller's own that a thread imports.
export const shared = [
  ...['outcome', 'encode-error', 'error-data', 'errors', 'error-codes'].map((name) => `lib/graph/${name}.ts`),
  'lib/text/printable.ts',
];

/** Puts all modules of a thread into the compiled module that it is started with. Follows each compilation. */
export async function bundleThreads() {
  // Imported here, because only a clone has it.
  const { build } = await import('esbuild');
  for (const thread of threads) {
    const to = join(root, 'dist', `${thread}.js`);
    const { outputFiles } = await build({
      entryPoints: [join(root, `${thread}.ts`)],
      outfile: to,
      bundle: true,
      format: 'esm',
      platform: 'node',
      target: 'node20',
      packages: 'external',
      plugins: [keepShared(dirname(to))],
      keepNames: true,
      write: false,
    });
    const text = outputFiles[0]?.text ?? '';
    if (readFileSync(to, 'utf8') !== text) writeFileSync(to, text);
  }
}

/** @param {string} folder of the bundle @returns {import('esbuild').Plugin} */
function keepShared(folder) {
  return {
    name: 'shared modules',
    setup: ({ onResolve }) => {
      onResolve({ filter: /^\./ }, ({ path, resolveDir }) => {
        const source = relative(root, join(resolveDir, path)).replace(/\.js$/, '.ts');
        if (!shared.includes(source)) return undefined;
        const compiled = join(root, 'dist', source).replace(/\.ts$/, '.js');
        return { path: relative(folder, compiled), external: true };
      });
    },
  };
}
