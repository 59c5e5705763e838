// How the addon of each platform is built on x64 Debian.

/**
 * @typedef {object} Recipe
 * @property {string[]} packages Debian's, beside those for the addon of this machine
 * @property {string} prefix of the compiler and the binutils
 * @property {string[]} openblas options of its makefile: the compiler and the processors
 * @property {string} [toolchain] for CMake, a file of native/toolchains
 * @property {boolean} [oldGlibc] linked against the symbols of an old C library
 */

/** @type {Readonly<Record<string, Recipe>>} */
export const recipes = {
  'linux-x64-gnu': {
    packages: [],
    prefix: '',
    // Those with AVX2 have our own kernels; OpenBLAS is for the ones before, and to compare with.
    openblas: ['DYNAMIC_ARCH=1', 'DYNAMIC_LIST=NEHALEM HASWELL SKYLAKEX'],
    oldGlibc: true,
  },
  'linux-arm64-gnu': {
    packages: ['g++-aarch64-linux-gnu'],
    prefix: 'aarch64-linux-gnu-',
    openblas: ['TARGET=ARMV8', 'NUM_THREADS=64', 'CROSS=1', 'CC=aarch64-linux-gnu-gcc', 'HOSTCC=gcc'],
    toolchain: 'linux-arm64-gnu.cmake',
    oldGlibc: true,
  },
  'win32-x64': {
    packages: ['g++-mingw-w64-x86-64-posix'],
    prefix: 'x86_64-w64-mingw32-',
    openblas: [
      ...['CROSS=1', 'OSNAME=WINNT', 'BINARY=64', 'HOSTCC=gcc', 'CROSS_SUFFIX=x86_64-w64-mingw32-'],
      // As native/windows.cmake says of the stack.
      'CC=x86_64-w64-mingw32-gcc -Wa,-muse-unaligned-vector-move',
      ...['AR=x86_64-w64-mingw32-ar', 'RANLIB=x86_64-w64-mingw32-ranlib'],
      ...['TARGET=NEHALEM', 'DYNAMIC_ARCH=1', 'DYNAMIC_LIST=NEHALEM HASWELL SKYLAKEX'],
    ],
    toolchain: 'win32-x64.cmake',
  },
};
