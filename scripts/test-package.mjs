// `npm run test:package [-- --consumers]`: packs the npm packages, installs them in a folder of their own, and uses them
// there. The platform's package has the addon of this clone. With --consumers, compilers, test runners, bundlers and
// unusual places use them as well, which takes minutes and the npm registry.
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { consumers, tsconfig, typed } from './package/consumers.mjs';
import { measureInstalled } from './package/installed.mjs';
import { learnXor, xorProgram } from './package/programs.mjs';
import { Project } from './package/project.mjs';
import { report, root, SetupError, step, temporaryFolder } from './setup/run.mjs';
import { setUp } from './setup.mjs';

const MOST_PACKAGES = 12;
const MOST_MEGABYTES = 20;

const folder = temporaryFolder('chainrule-packed-');
const project = new Project('user');
try {
  if (await setUp()) await main();
  else process.exitCode = 1;
} catch (error) {
  report(error);
  process.exitCode = 1;
}

async function main() {
  const packed = await step('Packing', packAll);
  await step('Installing the packages', () => project.install(packed));
  await step('Looking at what was installed', async () => {
    checkInstalled();
    checkLinks();
  });
  await step('Using it: by TypeScript, by import, by require and by the command line', use);
  if (process.argv.includes('--consumers')) await everyone();
}

async function packAll() {
  const { platforms, thisPlatform } = await import('../dist/lib/runtime/loader/platforms.js');
  const { pack, stageMain, stagePlatform } = await import('./release/packages.mjs');
  const platform = thisPlatform();
  const [main, own] = [join(folder, 'main'), join(folder, platform)];
  await stageMain(main, platforms);
  const fields = /** @type {import('./release/packages.mjs').Platform} */ (platforms[platform]);
  stagePlatform(own, platform, fields, join(root, 'build/Release/chainrule.node'), []);
  return [(await pack(main, folder)).file, (await pack(own, folder)).file];
}

function checkInstalled() {
  const lock = JSON.parse(project.read('node_modules/.package-lock.json'));
  const installed = Object.entries(lock.packages);
  const scripts = installed.filter(([, { hasInstallScript }]) => hasInstallScript).map(([name]) => name);
  if (scripts.length > 0) throw new SetupError(`These packages have install scripts: ${scripts.join(', ')}`);
  if (installed.length > MOST_PACKAGES)
    throw new SetupError(`${installed.length} packages were installed; ${MOST_PACKAGES} is the most.`);
  const megabytes = measureInstalled(join(project.folder, 'node_modules')).bytes / 1e6;
  if (megabytes > MOST_MEGABYTES)
    throw new SetupError(`The packages take ${megabytes} MB; ${MOST_MEGABYTES} is the most.`);
}

/** Relative links of the packed pages lead to files of the package. */
function checkLinks() {
  const home = join(project.folder, 'node_modules/chainrule');
  const pages = [
    'README.md',
    'CHANGELOG.md',
    ...readdirSync(join(home, 'docs')).map((name) => `docs/${name}`),
  ];
  const dead = pages
    .filter((page) => page.endsWith('.md'))
    .flatMap((page) =>
      [...readFileSync(join(home, page), 'utf8').matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)]
        .filter(([, link = '']) => !existsSync(join(home, page, '..', link)))
        .map(([, link]) => `${page}: ${link}`),
    );
  if (dead.length > 0)
    throw new SetupError('Links lead to files that are not in the package.', { output: dead.join('\n') });
}

async function use() {
  project.write({ 'tsconfig.json': tsconfig({ module: 'nodenext' }), 'user.mts': typed });
  await project.run('node', [join(root, 'node_modules/typescript/lib/tsc.js'), '-p', '.']);
  project.write({
    'xor.mjs': xorProgram,
    'xor.cjs': `const chainrule = require('chainrule');\n${learnXor}\nvoid learnXor(chainrule);\n`,
  });
  await project.run('node', ['xor.mjs']);
  await project.run('node', ['xor.cjs']);
  const command = join(project.folder, 'node_modules/.bin/chainrule');
  await project.run(command, ['--help']);
  await project.run(command, ['bench', 'tiny_mlp', '-r', '1']);
}

/** Tries everything, and names all that fail. */
async function everyone() {
  const { environments } = await import('./package/environments.mjs');
  const needed = [...new Set(consumers.flatMap(({ needs }) => needs)), '@types/node@20'];
  await step('Installing compilers, test runners and bundlers', () => project.install(needed));
  /** @type {string[]} */
  const failed = [];
  for (const { name, files = {}, attempt } of [...consumers, ...environments]) {
    await step(name, async () => {
      project.write(files);
      await attempt(project);
    }).catch((error) => {
      failed.push(name);
      console.error(error.output ?? error.message);
    });
    for (const file of Object.keys(files)) rmSync(join(project.folder, file));
  }
  if (failed.length > 0) throw new SetupError(`Failed: ${failed.join('; ')}`);
}
