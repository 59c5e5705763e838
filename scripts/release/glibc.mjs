// Libraries to link against in place of the system's C library, with the symbols of an older one: the addon then loads
// wherever that older version is, although it is built with a current compiler. They hold no code, since the linker reads
// only names and versions, which are those of the C library here.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { capture, run } from '../setup/run.mjs';

/** The oldest glibc that the published addons run on: that of Debian 10 and RHEL 8. */
export const OLDEST_GLIBC = '2.28';

/**
 * Writes stubs of libc and libm into a folder, for `-L`.
 * @param {string} folder
 * @param {string} prefix of the compiler and the binutils, as 'aarch64-linux-gnu-'
 */
export async function writeGlibcStubs(folder, prefix) {
  mkdirSync(folder, { recursive: true });
  for (const name of ['libc', 'libm']) {
    const library = await fileOf(`${prefix}gcc`, `${name}.so.6`);
    const symbols = versionedSymbols(await run(`${prefix}readelf`, ['-W', '--dyn-syms', library]));
    const source = join(folder, `${name}.s`);
    const versions = join(folder, `${name}.map`);
    writeFileSync(source, assembly(symbols));
    writeFileSync(versions, versionScript(symbols));
    const stub = join(folder, `${name}.so.6`);
    const flags = ['-shared', '-nostdlib', `-Wl,-soname,${name}.so.6`, `-Wl,--version-script,${versions}`];
    await run(`${prefix}gcc`, [...flags, '-o', stub, source]);
  }
  const loader = await dynamicLoader(`${prefix}gcc`);
  // As the system's own file of this name, which adds the functions that glibc always links in.
  const nonshared = await fileOf(`${prefix}gcc`, 'libc_nonshared.a');
  writeFileSync(
    join(folder, 'libc.so'),
    `GROUP(${join(folder, 'libc.so.6')} ${nonshared} AS_NEEDED(${loader}))\n`,
  );
  writeFileSync(join(folder, 'libm.so'), `INPUT(${join(folder, 'libm.so.6')})\n`);
}

/** @typedef {{ name: string, version: string, data: boolean }} Symbol */

/**
 * The symbols that the oldest glibc has, each with the newest of its versions up to that one.
 * @param {string} table of readelf
 * @returns {Symbol[]}
 */
export function versionedSymbols(table) {
  /** @type {Map<string, Symbol>} */
  const found = new Map();
  const line =
    /^\s*\d+: [\da-f]+\s+\S+\s+(FUNC|OBJECT|IFUNC)\s+(?:GLOBAL|WEAK)\s+\S+\s+\d+\s+([^@\s]+)@@?GLIBC_([\d.]+)/gm;
  for (const [, type, name = '', version = ''] of table.matchAll(line)) {
    if (newer(version, OLDEST_GLIBC)) continue;
    const before = found.get(name);
    if (!before || newer(version, before.version))
      found.set(name, { name, version, data: type === 'OBJECT' });
  }
  return [...found.values()];
}

/** True if version `a` is newer than `b`. @param {string} a @param {string} b */
export function newer(a, b) {
  const parts = (/** @type {string} */ version) => version.split('.').map(Number);
  const [left, right] = [parts(a), parts(b)];
  for (let i = 0; i < 3; i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return false;
}

/** @param {Symbol[]} symbols */
function assembly(symbols) {
  const lines = symbols.map(
    ({ name, data }) =>
      `.globl ${name}\n.type ${name}, ${data ? '%object' : '%function'}\n.size ${name}, 8\n${name}: .quad 0\n`,
  );
  return `.data\n${lines.join('')}`;
}

/** @param {Symbol[]} symbols */
function versionScript(symbols) {
  const versions = [...new Set(symbols.map(({ version }) => version))];
  return versions
    .map((version) => {
      const names = symbols.filter((symbol) => symbol.version === version).map(({ name }) => name);
      return `GLIBC_${version} { global: ${names.join('; ')}; };\n`;
    })
    .join('');
}

/** @param {string} compiler @param {string} name */
async function fileOf(compiler, name) {
  return (await run(compiler, [`-print-file-name=${name}`])).trim();
}

/** @param {string} compiler */
async function dynamicLoader(compiler) {
  const { output } = await capture(compiler, ['-dumpmachine']);
  return fileOf(compiler, output.startsWith('aarch64') ? 'ld-linux-aarch64.so.1' : 'ld-linux-x86-64.so.2');
}
