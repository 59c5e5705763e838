// The system packages that building the addon needs: which are missing, and how to install them on this system.
import { accessSync, constants, existsSync, mkdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { capture, root, run, SetupError, step } from './run.mjs';

// What GCC has since 12, and Clang since 14.
const CPP20 = `#include <bit>
using Vector = int __attribute__((vector_size(8)));
int main() {
  const Vector pair = {1, 2};
  return std::bit_cast<int>(1.0f) + __builtin_shufflevector(pair, pair, 1, 0)[0];
}
`;
const SGEMM = 'extern "C" void cblas_sgemm(); int main() { cblas_sgemm(); }\n';
// CMake would accept a plain libblas, but it is many times slower than these.
const BLAS_LIBRARIES = ['openblas', 'blis', 'mkl_rt'];
// Kitware's own builds of CMake, in npm packages, which run on every glibc.
const CMAKE_VERSION = '3.27.7';
// With one of these set, CMake knows more about the BLAS than a probe here can.
const BLAS_SETTINGS = ['CHAINRULE_BLAS', 'OpenBLAS_HOME', 'OPENBLAS_HOME', 'MKLROOT'];

/**
 * @typedef {'compiler' | 'make' | 'cmake' | 'blas'} ToolId
 * @typedef {{ id: ToolId, name: string, spare?: string, there: () => boolean | Promise<boolean> }} Tool
 *   `spare` says what takes its place where it cannot be installed
 * @typedef {{ command: string, install: string } & Record<ToolId, string>} Manager
 */

/** @type {Tool[]} */
const tools = [
  {
    id: 'compiler',
    name: 'a C++20 compiler (GCC 12 or Clang 14)',
    there: () => compiles(['-std=c++20', '-fsyntax-only'], CPP20),
  },
  { id: 'make', name: 'make', there: () => has('make') || has('ninja') },
  { id: 'cmake', name: 'CMake', spare: 'that of an npm package builds', there: () => has('cmake') },
  {
    id: 'blas',
    name: 'OpenBLAS',
    spare: 'products are several times slower on processors without AVX2',
    there: hasBlas,
  },
];

/** @type {Manager[]} */
const managers = [
  {
    command: 'apt-get',
    install: 'apt-get install -y --no-install-recommends',
    ...{ compiler: 'g++', make: 'make', cmake: 'cmake', blas: 'libopenblas-dev' },
  },
  {
    command: 'dnf',
    install: 'dnf install -y',
    ...{ compiler: 'gcc-c++', make: 'make', cmake: 'cmake', blas: 'openblas-devel' },
  },
  {
    command: 'apk',
    install: 'apk add',
    ...{ compiler: 'g++', make: 'make', cmake: 'cmake', blas: 'openblas-dev' },
  },
  {
    command: 'pacman',
    install: 'pacman -S --needed',
    ...{ compiler: 'gcc', make: 'make', cmake: 'cmake', blas: 'openblas' },
  },
  {
    command: 'zypper',
    install: 'zypper install -y',
    ...{ compiler: 'gcc-c++', make: 'make', cmake: 'cmake', blas: 'openblas-devel' },
  },
  {
    command: 'brew',
    install: 'brew install',
    ...{ compiler: '', make: '', cmake: 'cmake', blas: 'openblas' },
  },
];

/** The build tools that this system lacks. */
export async function missingTools() {
  const there = await Promise.all(tools.map((tool) => tool.there()));
  return tools.filter((_, i) => !there[i]);
}

/** The names of tools, to print. @param {Tool[]} missing */
export const toolNames = (missing) => missing.map((tool) => tool.name).join(', ');

/** The line that installs the missing tools on this system. @param {Tool[]} missing */
export function installLine(missing) {
  if (process.platform === 'darwin' && missing.some(({ id }) => id === 'compiler'))
    return 'xcode-select --install';
  const manager = managers.find(({ command }) => has(command));
  if (!manager && process.platform === 'darwin') return 'brew install cmake   # Homebrew: https://brew.sh';
  if (!manager) return `# with this system's package manager: ${toolNames(missing)}`;
  const sudo = isRoot() || manager.command === 'brew' ? '' : 'sudo ';
  const update = manager.command === 'apt-get' ? `${sudo}apt-get update && ` : '';
  return `${update}${sudo}${manager.install} ${packagesFor(manager, missing).join(' ')}`;
}

/**
 * Installs the missing tools if that asks nothing of the user: with apt-get as root or through a sudo without password,
 * or with Homebrew. Otherwise does without CMake, which npm has as well, and without a BLAS; for the rest it fails with the
 * line that the user has to run.
 */
export async function ensureTools() {
  const missing = await missingTools();
  if (missing.length === 0) return;

  const hint = `Run this line, then the same command again:\n\n    ${installLine(missing)}\n`;
  const manager = managers.find(({ command }) => has(command));
  const packages = manager ? packagesFor(manager, missing) : [];
  const commands = packages.length === missing.length ? await quietCommands(manager, packages) : undefined;
  if (!commands) {
    const needed = missing.filter(({ spare }) => spare === undefined);
    if (needed.length > 0) throw new SetupError(`This system lacks ${toolNames(missing)}.`, { hint });
    for (const { name, spare } of missing) console.error(`This system lacks ${name}: ${spare}.`);
    console.error(`To have ${missing.length > 1 ? 'them' : 'it'}: ${installLine(missing)}`);
    if (missing.some(({ id }) => id === 'cmake')) await takeCmakeFromNpm(hint);
    return;
  }

  await step(`Installing ${packages.join(', ')}`, async () => {
    for (const [command = '', ...args] of commands) {
      await run(command, args, { env: { DEBIAN_FRONTEND: 'noninteractive' }, hint });
    }
  });

  const left = await missingTools();
  if (left.length === 0) return;
  throw new SetupError(
    `After installing ${packages.join(', ')} still missing, or too old: ${toolNames(left)}.`,
    {
      hint: 'The addon needs GCC 12 or Clang 14 (CXX=... chooses the compiler) and CMake 3.18.',
    },
  );
}

/**
 * The commands that install without a question, or undefined if there are none.
 * @param {Manager | undefined} manager @param {string[]} packages
 */
async function quietCommands(manager, packages) {
  if (manager?.command === 'brew') return [['brew', 'install', ...packages]];
  if (manager?.command !== 'apt-get') return undefined;
  const prefix = isRoot() ? [] : ['sudo', '-n'];
  if (!isRoot() && (await capture('sudo', ['-n', 'true'])).code !== 0) return undefined;
  // Another apt may be running, as it does on a machine that has just started.
  const apt = [...prefix, 'apt-get', '-o', 'DPkg::Lock::Timeout=120'];
  return [
    [...apt, 'update'],
    [...apt, 'install', '-y', '--no-install-recommends', ...packages],
  ];
}

/** @param {Manager} manager @param {Tool[]} missing */
const packagesFor = (manager, missing) => missing.map(({ id }) => manager[id]).filter(Boolean);

const isRoot = () => process.getuid?.() === 0;

/**
 * Puts the CMake of an npm package, which has no script and no dependency, in front of the path of this process.
 * @param {string} hint if it does not run here
 */
async function takeCmakeFromNpm(hint) {
  const { platform, arch } = process;
  const name = `cmake-binary-${platform === 'darwin' ? 'darwin-universal' : `${platform}-${arch}`}`;
  const folder = join(root, 'build/tools');
  const bin = join(folder, 'node_modules', name, 'bin');
  if (!existsSync(bin)) {
    mkdirSync(folder, { recursive: true });
    const args = ['install', '--prefix', folder, '--no-save', '--ignore-scripts', '--no-audit', '--no-fund'];
    await step(`Installing ${name}`, () => run('npm', [...args, `${name}@${CMAKE_VERSION}`], { hint }));
  }
  await run(join(bin, 'cmake'), ['--version'], { hint });
  process.env.PATH = `${bin}${delimiter}${process.env.PATH ?? ''}`;
}

/** @param {string} command */
function has(command) {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, command), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

async function hasBlas() {
  if (process.platform === 'darwin' || BLAS_SETTINGS.some((name) => process.env[name])) return true;
  for (const library of BLAS_LIBRARIES) {
    if (await compiles(['-o', '/dev/null'], SGEMM, [`-l${library}`])) return true;
  }
  return false;
}

/** @param {string[]} options @param {string} source @param {string[]} [libraries] */
async function compiles(options, source, libraries = []) {
  const compiler = process.env.CXX ?? 'c++';
  const args = [...options, '-x', 'c++', '-', '-x', 'none', ...libraries];
  return (await capture(compiler, args, { input: source })).code === 0;
}
