// How the addon of each platform is built on x64 Debian: by GCC, or by the Clang that Zig brings, where Debian has no compiler
// for the platform.
import { join } from 'node:path';
import { root } from '../setup/run.mjs';

/**
 * @typedef {object} Recipe
 * @property {string[]} packages Debian's, beside those for the addon of this machine
 * @property {string} [prefix] of GCC and the binutils; without it, Zig compiles
 * @property {string[]} [openblas] options of its makefile: the compiler and the processors; without them, BLAS is Accelerate
 * @property {string} [toolchain] for CMake, a file of native/toolchains
 * @property {boolean} [oldGlibc] linked against the symbols of an old C library
 * @property {import('./components.mjs').Linked[]} linked what others wrote of it
 */

// Those with AVX2 have our own kernels; OpenBLAS is for the ones before, and to compare with.
const x64 = ['DYNAMIC_ARCH=1', 'DYNAMIC_LIST=NEHALEM HASWELL SKYLAKEX'];

/** @param {string} target of Zig's Clang */
const byZig = (target) => [
  `CC=${join(root, 'scripts/release/zig/cc.sh')} -target ${target}`,
  ...['HOSTCC=gcc', 'CROSS=1', 'AR=ar', 'RANLIB=ranlib'],
];

/** @type {Readonly<Record<string, Recipe>>} */
export const recipes = {
  'linux-x64-gnu': { packages: [], prefix: '', openblas: x64, oldGlibc: true, linked: ['openblas', 'gcc'] },
  'linux-x64-musl': {
    packages: [],
    // Zig takes the name of the processor with AVX-512 for one without.
    openblas: [
      ...byZig('x86_64-linux-musl'),
      'TARGET=NEHALEM',
      'DYNAMIC_ARCH=1',
      'DYNAMIC_LIST=NEHALEM HASWELL',
    ],
    toolchain: 'linux-x64-musl.cmake',
    linked: ['openblas', 'llvm', 'zig'],
  },
  'linux-arm64-gnu': {
    packages: ['g++-aarch64-linux-gnu'],
    prefix: 'aarch64-linux-gnu-',
    openblas: ['TARGET=ARMV8', 'NUM_THREADS=64', 'CROSS=1', 'CC=aarch64-linux-gnu-gcc', 'HOSTCC=gcc'],
    toolchain: 'linux-arm64-gnu.cmake',
    oldGlibc: true,
    linked: ['openblas', 'gcc'],
  },
  'linux-arm64-musl': {
    packages: [],
    openblas: [...byZig('aarch64-linux-musl'), 'TARGET=ARMV8', 'NUM_THREADS=64'],
    toolchain: 'linux-arm64-musl.cmake',
    linked: ['openblas', 'llvm', 'zig'],
  },
  'darwin-arm64': { packages: [], toolchain: 'darwin-arm64.cmake', linked: ['llvm', 'zig'] },
  'darwin-x64': { packages: [], toolchain: 'darwin-x64.cmake', linked: ['llvm', 'zig'] },
  'win32-x64': {
    packages: ['g++-mingw-w64-x86-64-posix'],
    prefix: 'x86_64-w64-mingw32-',
    openblas: [
      ...['CROSS=1', 'OSNAME=WINNT', 'BINARY=64', 'HOSTCC=gcc', 'CROSS_SUFFIX=x86_64-w64-mingw32-'],
      // As native/windows.cmake says of the stack.
      'CC=x86_64-w64-mingw32-gcc -Wa,-muse-unaligned-vector-move',
      ...['AR=x86_64-w64-mingw32-ar', 'RANLIB=x86_64-w64-mingw32-ranlib'],
      ...['TARGET=NEHALEM', ...x64],
    ],
    toolchain: 'win32-x64.cmake',
    linked: ['openblas', 'gcc', 'mingw'],
  },
};
