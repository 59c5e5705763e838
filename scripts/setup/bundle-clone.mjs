// The threads and the command line of a clone. Its dist holds modules, which tests and tools import one by one; but a thread
// or a program starts much sooner from a few files than from hundreds of small ones, and the tests start thousands.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { root } from './run.mjs';

export const threads = ['lib/parallel/worker/worker', 'lib/checkpoint/worker', 'lib/profile/peak-worker'];

// Stay modules, so that each thread has them once: errors are known by their class, also to what loads a thread's entry and
// to modules of the caller's own that a thread imports.
export const shared = [
  ...['outcome', 'encode-error', 'error-data', 'errors', 'error-codes'].map((name) => `lib/graph/${name}.ts`),
  'lib/text/printable.ts',
];

/** @type {import('esbuild').BuildOptions} Error messages and files of weights contain class names. */
const settings = { bundle: true, format: 'esm', platform: 'node', target: 'node20', keepNames: true };

/** Follows each compilation. */
export async function bundleClone() {
  await Promise.all([bundleThreads(), bundleProgram()]);
}

/** Puts all modules of a thread into the compiled module that it is started with. */
async function bundleThreads() {
  // Imported here, because only a clone has it.
  const { build } = await import('esbuild');
  for (const thread of threads) {
    const to = join(root, 'dist', `${thread}.js`);
    const { outputFiles } = await build({
      entryPoints: [join(root, `${thread}.ts`)],
      outfile: to,
      ...settings,
      plugins: [keepShared(dirname(to))],
      write: false,
    });
    const text = outputFiles[0]?.text ?? '';
    if (readFileSync(to, 'utf8') !== text) writeFileSync(to, text);
  }
}

/**
 * Writes the command line and what its users' modules import into dist/lib/published, in a few files as in the published
 * package, with its types for programs of the tests.
 */
async function bundleProgram() {
  const { build } = await import('esbuild');
  const outdir = join(root, 'dist/lib/published');
  rmSync(outdir, { recursive: true, force: true });
  await build({
    entryPoints: ['index.ts', 'cli/main.ts'].map((entry) => join(root, 'lib', entry)),
    outbase: join(root, 'lib'),
    outdir,
    chunkNames: 'parts/[name]-[hash]',
    ...settings,
    splitting: true,
    packages: 'external',
  });
  writeFileSync(join(outdir, 'index.d.ts'), "export * from 'chainrule';\n");
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
