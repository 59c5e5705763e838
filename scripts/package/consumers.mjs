// Programs and tools that use the installed packages: each has files, the npm packages that it takes, and a way to try it.
import { learnXor } from './programs.mjs';

/** @typedef {import('./project.mjs').Project} Project */
/** @typedef {{ name: string, needs: string[], files: Record<string, string>, attempt: (project: Project) => Promise<unknown> }} Consumer */

/** A program that uses the types. */
export const typed = `
import * as chainrule from 'chainrule';
import { data, nn, optim, Trainer } from 'chainrule';

const model: nn.Module = new nn.Sequential(new nn.Linear(2, 8), new nn.Tanh(), new nn.Linear(8, 2));
const trainer = new Trainer(model, { loss: nn.crossEntropy, optimizer: optim.adam({ lr: 0.1 }) });
export const losses: number[] = [];
export async function train(): Promise<number> {
  for await (const epoch of trainer.fit(data.fromArrays([[0, 1]], [1]), { epochs: 1 })) losses.push(epoch.loss);
  return losses.length;
}
export const size: number = chainrule.zeros([2, 3]).size;
// The methods of tensors come from several modules.
export const value: Promise<number> = chainrule.ones([2]).square().to('float64').sum().item();
// @ts-expect-error The layers take numbers.
export const wrong = new nn.Linear('2', 8);
`;

/** @param {object} options of the compiler */
export const tsconfig = (options) =>
  JSON.stringify({
    compilerOptions: {
      strict: true,
      skipLibCheck: false,
      types: [],
      target: 'es2022',
      lib: ['es2022'],
      noEmit: true,
      ...options,
    },
  });

/** A consumer that only compiles. @param {string} name @param {object} options @param {Record<string, string>} files @returns {Consumer} */
const compiled = (name, options, files) => ({
  name: `TypeScript, ${name}`,
  needs: ['typescript@5.9'],
  files: { 'tsconfig.json': tsconfig(options), ...files },
  attempt: (project) => project.run('node', ['node_modules/typescript/bin/tsc', '-p', '.']),
});

const jest = (
  /** @type {string} */ name,
  /** @type {string} */ file,
  /** @type {string} */ text,
  /** @type {string[]} */ flags,
) => ({
  name: `jest, ${name}`,
  needs: ['jest@30'],
  files: { [file]: text, 'jest.config.json': '{ "transform": {}, "testEnvironment": "node" }' },
  attempt: (/** @type {Project} */ project) =>
    project.run('node', [...flags, 'node_modules/jest/bin/jest.js', '-c', 'jest.config.json']),
});

const body = `${learnXor}
test('learns XOR', async () => { expect(await learnXor(chainrule)).toBeLessThan(0.1); }, 120000);
test('has errors of its class', () => {
  expect(() => new chainrule.nn.Linear(-1, 2)).toThrow(chainrule.ChainruleError);
});
`;

// Without `await` at the top, which a CommonJS bundle cannot have.
const program = `import * as chainrule from 'chainrule';\n${learnXor}\nvoid learnXor(chainrule);\n`;

/** A bundler that leaves chainrule out. @param {string} name @param {string[]} needs @param {Record<string, string>} files @param {string[]} args @returns {Consumer} */
const bundler = (name, needs, files, args) => ({
  name,
  needs,
  files: { 'program.mjs': program, ...files },
  async attempt(project) {
    await project.run('node', args);
    return project.run('node', ['out/bundle.cjs']);
  },
});

/** @type {Consumer[]} */
export const consumers = [
  {
    name: 'import and require share one copy',
    needs: [],
    files: {
      'one.cjs': `const a = require('chainrule');\nimport('chainrule').then((b) => {\n  if (a.Trainer !== b.Trainer || a.nn !== b.nn) throw new Error('two copies');\n});\n`,
    },
    attempt: (project) => project.run('node', ['one.cjs']),
  },
  compiled('nodenext, ES modules', { module: 'nodenext' }, { 'user.mts': typed }),
  compiled('nodenext, CommonJS', { module: 'nodenext' }, { 'user.cts': typed }),
  compiled(
    'an ES module and a CommonJS module of one program',
    { module: 'nodenext' },
    {
      'norm.cts': `import { type Tensor } from 'chainrule';\nexport const norm = (x: Tensor): Tensor => x.square().sum();\n`,
      'user.mts': `import { ones } from 'chainrule';\nimport { norm } from './norm.cjs';\nexport const one = norm(ones([2]));\n`,
    },
  ),
  compiled('node16, CommonJS', { module: 'node16' }, { 'user.cts': typed }),
  compiled('bundler', { module: 'esnext', moduleResolution: 'bundler' }, { 'user.ts': typed }),
  compiled(
    'with the types of Node.js and the DOM',
    { module: 'nodenext', lib: ['es2022', 'dom'], types: ['node'] },
    {
      'user.mts': `${typed}\nexport const stop = new AbortController();\nexport const run = () => trainer.fit(data.fromArrays([[0, 1]], [1]), { epochs: 1, signal: stop.signal });\nexport const own = data.custom(new URL('file:///own.js'));\n`,
    },
  ),
  jest('CommonJS', 'user.test.js', `const chainrule = require('chainrule');\n${body}`, []),
  jest(
    'ES modules',
    'user.test.mjs',
    `import * as chainrule from 'chainrule';\nimport { expect, test } from '@jest/globals';\n${body}`,
    ['--experimental-vm-modules'],
  ),
  {
    name: 'vitest',
    needs: ['vitest@4'],
    files: {
      'user.test.mjs': `import * as chainrule from 'chainrule';\nimport { expect, test } from 'vitest';\n${body}`,
    },
    attempt: (project) => project.run('node', ['node_modules/vitest/vitest.mjs', 'run']),
  },
  {
    name: 'worker_threads',
    needs: [],
    files: {
      'thread.mjs': `import { isMainThread, Worker } from 'node:worker_threads';\nimport * as chainrule from 'chainrule';\n${learnXor}
if (isMainThread) for (let i = 0; i < 2; i++) new Worker(new URL(import.meta.url)).on('error', (error) => { throw error; });
await learnXor(chainrule);\n`,
    },
    attempt: (project) => project.run('node', ['thread.mjs']),
  },
  bundler('esbuild', ['esbuild@0.28'], {}, [
    'node_modules/esbuild/bin/esbuild',
    ...[
      'program.mjs',
      '--bundle',
      '--platform=node',
      '--format=cjs',
      '--external:chainrule',
      '--outfile=out/bundle.cjs',
    ],
  ]),
  bundler('rollup', ['rollup@4'], {}, [
    'node_modules/rollup/dist/bin/rollup',
    ...['program.mjs', '--format', 'cjs', '--external', 'chainrule', '--file', 'out/bundle.cjs'],
  ]),
  bundler(
    'webpack',
    ['webpack@5', 'webpack-cli@6'],
    {
      'webpack.config.cjs': `module.exports = {
  mode: 'production', target: 'node', entry: './program.mjs', externals: { chainrule: 'commonjs chainrule' },
  output: { path: __dirname + '/out', filename: 'bundle.cjs' },
};\n`,
    },
    ['node_modules/webpack/bin/webpack.js'],
  ),
  ...['esm', 'cjs'].map((format) => ({
    name: `a bundle that holds chainrule says so (esbuild, ${format})`,
    needs: ['esbuild@0.28'],
    files: { 'program.mjs': program },
    async attempt(/** @type {Project} */ project) {
      const file = `out/inside/bundle.${format === 'esm' ? 'mjs' : 'cjs'}`;
      const flags = [
        '--bundle',
        '--platform=node',
        `--format=${format}`,
        '--external:piscina',
        `--outfile=${file}`,
      ];
      await project.run('node', ['node_modules/esbuild/bin/esbuild', 'program.mjs', ...flags]);
      const { code, output } = await project.attempt('node', [file]);
      const says = ['ERR_CHAINRULE_ADDON', 'mark chainrule as external'].every((text) =>
        output.includes(text),
      );
      if (code === 0 || !says) throw new Error(output);
    },
  })),
];
