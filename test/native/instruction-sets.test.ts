import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { disassemble, entries, misplaced } from '../helpers/machine-code.js';

// native/isolate.cmake puts the code for avx2 and avx512 into sections of their own, which the addon enters only on
// processors that have these instructions. All other code has to run on any processor. CHAINRULE_ADDON may be a build for
// Windows: it is read, not loaded.
const root = fileURLToPath(new URL('../..', import.meta.url));
const given = process.env.CHAINRULE_ADDON;
const addon = given || join(root, 'build/Release/chainrule.node');
const built = given ? dirname(given) : join(root, 'build/cmake');
const objects = existsSync(join(built, 'CMakeCache.txt')) ? built : dirname(built);
const forWindows = readFileSync(addon).subarray(0, 2).toString() === 'MZ';

const folder = mkdtempSync(join(tmpdir(), 'chainrule-code-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** The reason why there is nothing to check here, if so. */
function obstacle(): string | undefined {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'one instruction set serves all here';
  if (spawnSync('objdump', ['--version']).status !== 0) return 'no objdump';
  return undefined;
}

/** Runs a program of the system, with no library preloaded for the tests. */
function execute(program: string, args: readonly string[]) {
  return execFileSync(program, args, {
    encoding: 'utf8',
    maxBuffer: 2 ** 30,
    env: { ...process.env, LD_PRELOAD: '' },
  });
}

/** A library of two objects that hold the same inline function, as those of the kernels do. */
function link(name: string, flags: readonly (readonly string[])[]) {
  const source = join(folder, 'source.cc');
  writeFileSync(
    source,
    `inline __attribute__((noinline)) void twice(float* x) { for (int i = 0; i < 64; ++i) x[i] *= 2; }
     void NAME(float* x) { twice(x); }`,
  );
  const compile = (args: readonly string[]) => execute(process.env.CXX ?? 'c++', ['-O3', '-fPIC', ...args]);
  const parts = flags.map((own, i) => {
    const part = join(folder, `${name}${i}.o`);
    compile([...own, `-DNAME=name${i}`, '-c', source, '-o', part]);
    return part;
  });
  const library = join(folder, `${name}.so`);
  compile(['-shared', ...parts, '-o', library]);
  return library;
}

/** The names in a BLAS that is linked in, which sees to its processors by itself. */
function namesOfBlas(): Set<string> {
  const cache = readFileSync(join(objects, 'CMakeCache.txt'), 'utf8');
  const library = /^CHAINRULE_OPENBLAS_LIBRARY:FILEPATH=(.*\.a)$/m.exec(cache)?.[1];
  const listing = library ? execute('nm', ['--format=posix', library]) : '';
  return new Set([...listing.matchAll(/^(\S+) [a-zA-Z] /gm)].map(([, name = '']) => name));
}

const reason = obstacle();

describe.skipIf(reason)(`machine code${reason ? `, skipped: ${reason}` : ''}`, () => {
  const code = reason ? [] : disassemble(addon);
  const isas = ['avx2', 'avx512'].filter((isa) => code.some(({ section }) => section === `.${isa}`));

  it('outside the sections of avx2 and avx512 runs on any processor', () => {
    const blas = namesOfBlas();
    expect(misplaced(code.filter(({ section, name }) => section !== '.text' || !blas.has(name)))).toEqual([]);
    const shared = code.filter(({ section }) => section === '.text');
    expect(shared.some(({ name }) => name.includes('chainrule8baseline'))).toBe(true);
  });

  it.for(isas)('for %s is entered through its registry alone', (isa) => {
    const registry = `_ZN9chainrule${isa.length}${isa}8registryEv`;
    expect(entries(code, `.${isa}`)).toEqual([registry]);

    if (forWindows) {
      // All other names are those of the instruction set, and so is what the linker keeps one copy of.
      const archive = join(objects, `kernels_${isa}.a`);
      const names = execute('nm', ['-g', '--defined-only', '--format=posix', archive]);
      const others = [...names.matchAll(/^(\S+) [A-Z] /gm)].flatMap(([, name = '']) =>
        name.endsWith(`.${isa}`) ? [] : [name],
      );
      expect(others).toEqual([registry]);
      const sections = execute('objdump', ['--section-headers', archive]);
      const copies = [...sections.matchAll(/^ *\d+ (\S+).*\n.*LINK_ONCE/gm)].map(([, name = '']) => name);
      expect(copies.filter((name) => !name.endsWith(`.${isa}`))).toEqual([]);
      return;
    }

    // No other function or variable of the object is known to the linker, and it replaces none by that of another object.
    const object = join(objects, `kernels_${isa}.o`);
    expect(execute('nm', ['-g', '--defined-only', object])).toMatch(RegExp(`^\\S+ T ${registry}\\n$`));
    expect(execute('readelf', ['--section-groups', object])).toContain('no section groups');
  });

  it('would be told of an inline function that the linker takes from an object for avx512', () => {
    const wide = ['-mavx512f', '-mprefer-vector-width=512'];
    const twice = (library: string) =>
      misplaced(disassemble(library)).filter((line) => line.includes('twice'));
    expect(twice(link('right', [[], wide]))).toEqual([]);
    expect(twice(link('wrong', [wide, []]))).toEqual([expect.stringContaining('%zmm')]);
  });
});
