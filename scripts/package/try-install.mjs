// `npm run release:try -- [--from <folder>] [--managers <list>] [--nodes <list>]`: installs the packages of a release from a
// registry on this machine, as users will: without scripts, by each package manager, on each Node.js; and trains with them.
// Prints a table of what was seen.
import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { report, run, SetupError, temporaryFolder } from '../setup/run.mjs';
import { measureInstalled } from './installed.mjs';
import { xorProgram } from './programs.mjs';
import { Project } from './project.mjs';
import { startRegistry } from './registry.mjs';

/** Yarn's way without node_modules. */
const PNP = "with Plug'n'Play";

/** How each manager installs a package, without scripts. @type {Record<string, (registry: string) => string[][]>} */
const managers = {
  'npm@10': byNpm,
  'npm@11': byNpm,
  'npm@12': byNpm,
  'pnpm@10': byPnpm,
  'pnpm@11': byPnpm,
  'yarn@1': (registry) => [['yarn', 'add', 'chainrule', '--ignore-scripts', '--registry', registry]],
  '@yarnpkg/cli-dist@4': (registry) => byYarn(registry, 'nodeLinker', 'node-modules'),
  // The loader is for ES modules of a project that is not one itself.
  [`@yarnpkg/cli-dist@4 ${PNP}`]: (registry) => byYarn(registry, 'pnpEnableEsmLoader', 'true'),
  'bun@1': (registry) => [['bun', 'add', 'chainrule', '--ignore-scripts', '--registry', registry]],
};

/** @param {string} registry */
function byNpm(registry) {
  return [
    ['npm', 'install', 'chainrule', '--ignore-scripts', '--no-audit', '--no-fund', '--registry', registry],
  ];
}

/** @param {string} registry @param {string} setting of how packages are found @param {string} value */
function byYarn(registry, setting, value) {
  const settings = [
    ['npmRegistryServer', registry],
    ['unsafeHttpWhitelist', '["127.0.0.1"]', '--json'],
    ['enableScripts', 'false'],
    // It waits some days with new versions, also with these.
    ['npmMinimalAgeGate', '0'],
    // It remembers the addresses of packages, and this registry's is another one each time.
    ['globalFolder', '.yarn/global'],
    [setting, value],
  ];
  return [...settings.map((one) => ['yarn', 'config', 'set', ...one]), ['yarn', 'add', 'chainrule']];
}

/** @param {string} registry */
function byPnpm(registry) {
  return [['pnpm', 'add', 'chainrule', '--ignore-scripts', '--registry', registry]];
}

const { values: options } = parseArgs({
  options: {
    from: { type: 'string', default: 'build/release/packages' },
    managers: { type: 'string', default: Object.keys(managers).join(',') },
    nodes: { type: 'string', default: '20,22,24,26' },
  },
});
const folder = temporaryFolder('chainrule-registry-');

try {
  const from = resolve(options.from);
  const packages = readdirSync(from)
    .filter((name) => name.endsWith('.tgz'))
    .map((name) => join(from, name));
  const registry = await startRegistry(folder, packages);
  try {
    await tryAll(registry.url);
  } finally {
    registry.stop();
  }
} catch (error) {
  report(error);
  process.exitCode = 1;
}

/** @param {string} registry */
async function tryAll(registry) {
  const nodes = await Promise.all(
    options.nodes.split(',').map(async (version) => ({ version, bin: await nodeOf(version) })),
  );
  const rows = [];
  for (const name of options.managers.split(',')) {
    const commands = managers[name];
    if (!commands)
      throw new SetupError(`There is no manager ${name}.`, { hint: Object.keys(managers).join(', ') });
    try {
      rows.push(await tryManager(name, commands(registry), nodes));
    } catch (error) {
      report(error);
      process.exitCode = 1;
      rows.push([name, 'failed', ...['MB', 'packages', ...nodes].map(() => '')]);
    }
  }
  console.log(
    `\n| installed by | seconds | MB | packages | ${nodes.map(({ version }) => `Node.js ${version}`).join(' | ')} |`,
  );
  console.log(`|---|---:|---:|---:|${nodes.map(() => '---|').join('')}`);
  for (const row of rows) console.log(`| ${row.join(' | ')} |`);
}

/** @param {string} name @param {string[][]} commands @param {{ version: string, bin: string }[]} nodes */
async function tryManager(name, commands, nodes) {
  const tools = join(folder, 'managers', name.replaceAll(/[^a-z0-9]/g, '-'));
  // Two of them fetch their program by a script.
  const [program = ''] = name.split(' ');
  await run('npm', [
    'install',
    '--prefix',
    tools,
    '--no-audit',
    '--no-fund',
    '--foreground-scripts',
    program,
  ]);
  const project = new Project('user');
  try {
    const [newest] = nodes.slice(-1);
    const env = { PATH: [join(tools, 'node_modules/.bin'), newest?.bin, process.env.PATH].join(delimiter) };
    const start = performance.now();
    for (const [command = '', ...args] of commands) await project.run(command, args, env);
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    const isPnp = name.endsWith(PNP);
    const { bytes, packages } = measureInstalled(
      join(project.folder, isPnp ? '.yarn/unplugged' : 'node_modules'),
    );
    project.write({ 'xor.mjs': xorProgram });
    const seen = [];
    for (const { bin } of nodes) {
      const { code, output } = await (isPnp
        ? project.attempt('yarn', ['node', 'xor.mjs'], { PATH: [bin, env.PATH].join(delimiter) })
        : project.attempt(join(bin, 'node'), ['xor.mjs']));
      if (code !== 0) console.error(`${name}, ${bin}:\n${output}`);
      seen.push(code === 0 ? 'trained' : 'failed');
      if (code !== 0) process.exitCode = 1;
    }
    return [name, seconds, (bytes / 1e6).toFixed(1), String(packages), ...seen];
  } finally {
    project.remove();
  }
}

/** The folder with a Node.js of a version, from the npm registry. @param {string} version */
async function nodeOf(version) {
  const platform = process.platform === 'win32' ? 'win' : process.platform;
  // Newer ones for this system are in a package of another name.
  const kind = platform === 'darwin' && process.arch === 'arm64' ? 'node-bin' : 'node';
  const name = `${kind}-${platform}-${process.arch}`;
  const home = join(folder, 'nodes', version);
  const flags = ['--no-audit', '--no-fund', '--ignore-scripts'];
  await run('npm', ['install', '--prefix', home, ...flags, `${name}@${version}`]);
  const bin = join(home, 'node_modules', name, 'bin');
  if (!existsSync(bin)) throw new SetupError(`${name}@${version} has no folder bin.`);
  return bin;
}
