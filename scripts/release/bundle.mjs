// The published code: all modules of an entry in a few files, which load several times faster than hundreds of small ones.
// They are CommonJS, which every version of Node.js, test runner and bundler loads with `require`; `import` gets the same
// modules through an ES module that names their exports. So a process that does both has one copy of everything.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { build, transform } from 'esbuild';
import { root } from '../setup/run.mjs';

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

/** Packages that users install beside ours, because they start threads from files of their own. */
export const external = ['piscina'];

/**
 * Bundles the modules of lib into `to`, laid out as dist is.
 * @param {string} to
 * @returns {Promise<string[]>} the names of the npm packages in the bundle
 */
export async function bundle(to) {
  const { outputFiles, metafile } = await build({
    entryPoints: entries.map((entry) => join(root, entry.replace(/\.js$/, '.ts'))),
    outbase: root,
    outdir: to,
    chunkNames: 'lib/parts/[name]-[hash]',
    bundle: true,
    // Parts that entries share can be told apart in ES modules only, so these become CommonJS afterwards, one by one.
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    external,
    // Error messages and files of weights contain class names.
    keepNames: true,
    metafile: true,
    write: false,
  });
  for (const { path, text } of outputFiles) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, await commonJs(text));
  }
  const index = relative(process.cwd(), join(to, 'lib/index.js'));
  // Compiled when this is needed.
  const { bundled } = await import('../../dist/lib/runtime/loader/failures.js');
  writeFileSync(join(to, 'index.mjs'), wrapper(metafile.outputs[index]?.exports ?? [], bundled().message));
  const packages = Object.keys(metafile.inputs).map(
    (path) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1],
  );
  return [...new Set(packages.filter((name) => name !== undefined))].sort();
}

/**
 * The ES module. Bundlers do not follow its call of `require`, so one that has copied it has no library: that says so.
 * @param {readonly string[]} names of the exports
 * @param {string} advice for one who has bundled it
 */
function wrapper(names, advice) {
  return `import { createRequire } from 'node:module';

const chainrule = load();

export const {
${names.map((name) => `  ${name},\n`).join('')}} = chainrule;

function load() {
  try {
    return createRequire(import.meta.url)('./lib/index.js');
  } catch (error) {
    const copied = error.code === 'MODULE_NOT_FOUND' && error.message.includes('./lib/index.js');
    if (import.meta.url && !copied) throw error;
    const message = ${JSON.stringify(advice)};
    throw Object.assign(new Error(message, { cause: error }), { code: 'ERR_CHAINRULE_ADDON' });
  }
}
`;
}

/** @param {string} text of an ES module */
async function commonJs(text) {
  // A module of ours or a package that is loaded on first use. A path that users give may be an ES module: that stays.
  const required = withoutNeedlessNames(text).replace(
    /\bimport\(("[^"\n]+")\)/g,
    'Promise.resolve().then(() => require($1))',
  );
  const { code } = await transform(required, {
    format: 'cjs',
    platform: 'node',
    target: 'node20',
    define: { 'import.meta.url': 'moduleUrl' },
    // Less to read; lines stay short enough to find a place of a stack trace.
    minifyWhitespace: true,
    lineLimit: 160,
  });
  // As ES modules always are.
  const lines = ["'use strict';"];
  // Another program's bundler may leave no file name.
  const url =
    "typeof __filename === 'string' ? require('node:url').pathToFileURL(__filename).href : 'file:///'";
  if (code.includes('moduleUrl')) lines.push(`const moduleUrl = ${url};`);
  const [, shebang = '', rest] = /^(#!.*\n)?([\s\S]*)$/.exec(code) ?? [];
  return `${shebang}${lines.join('\n')}\n${rest}`;
}

/**
 * Drops what esbuild's `keepNames` adds where the name is kept anyway, which is nearly everywhere and costs time at each start.
 * @param {string} text
 */
function withoutNeedlessNames(text) {
  return text
    .replace(/^\s*__name\((\w+), "\1"\);\n/gm, '')
    .replace(/(\bvar (\w+) = class(?: extends [^{\n]+)? \{)\s*static \{\s*__name\(this, "\2"\);\s*\}/g, '$1');
}
