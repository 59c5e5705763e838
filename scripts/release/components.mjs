// What others wrote and the published packages contain: their licences, for THIRD_PARTY.md, and their versions, for the SBOM.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../setup/run.mjs';

/** The version of OpenBLAS that is linked in; `openblas.mjs` has the checksum of its source. */
export const OPENBLAS_VERSION = '0.3.29';

/** @typedef {{ name: string, version: string, licence: string, text: string, purl: string }} Component */

/**
 * Packages of npm, as they are installed here.
 * @param {readonly string[]} names
 * @returns {Component[]}
 */
export function npmComponents(names) {
  return names.map((name) => {
    const folder = join(root, 'node_modules', name);
    const { version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
    if (!file) throw new Error(`the package ${name} has no file with its licence`);
    const purl = `pkg:npm/${name.replace('@', '%40')}@${version}`;
    return { name, version, licence: license, text: readFileSync(join(folder, file), 'utf8'), purl };
  });
}

/** What is linked into addons; each has its licence in `licences`. */
const linked = {
  openblas: {
    name: 'OpenBLAS',
    version: OPENBLAS_VERSION,
    licence: 'BSD-3-Clause',
    file: 'openblas.txt',
    purl: `pkg:github/OpenMathLib/OpenBLAS@v${OPENBLAS_VERSION}`,
  },
  gcc: {
    name: 'GCC runtime libraries (libstdc++, libgcc)',
    version: '12',
    licence: 'GPL-3.0-or-later WITH GCC-exception-3.1',
    file: 'gcc-runtime.txt',
    purl: 'pkg:deb/debian/gcc-12@12.2.0',
  },
  mingw: {
    name: 'MinGW-w64 runtime (start-up code, winpthreads)',
    version: '10.0.0',
    licence: 'ZPL-2.1 AND MIT AND BSD-3-Clause',
    file: 'mingw-w64.txt',
    purl: 'pkg:deb/debian/mingw-w64@10.0.0',
  },
  llvm: {
    name: 'LLVM runtime libraries (libc++, libc++abi, libunwind)',
    version: '21.1.0',
    licence: 'Apache-2.0 WITH LLVM-exception',
    file: 'llvm.txt',
    purl: 'pkg:github/llvm/llvm-project@llvmorg-21.1.0',
  },
  zig: {
    name: 'Zig compiler-rt',
    version: '0.16.0',
    licence: 'MIT',
    file: 'zig.txt',
    purl: 'pkg:npm/%40zigc/lib@0.16.0',
  },
};

/** @typedef {keyof typeof linked} Linked */

/**
 * What is linked into an addon, and the headers that it was compiled with.
 * @param {readonly Linked[]} names
 * @returns {Component[]}
 */
export function linkedComponents(names) {
  const parts = names.map((name) => {
    const { file, ...component } = linked[name];
    return { ...component, text: readFileSync(join(root, 'scripts/release/licences', file), 'utf8') };
  });
  return [...parts, ...npmComponents(['node-addon-api'])];
}

/** THIRD_PARTY.md. @param {readonly Component[]} components */
export function notices(components) {
  const parts = components.map(
    ({ name, version, licence, text }) =>
      `## ${name} ${version}\n\n${licence}\n\n\`\`\`\n${text.trim()}\n\`\`\`\n`,
  );
  return `# Third-party software\n\nThis package contains parts of the following software.\n\n${parts.join('\n')}`;
}

/**
 * A bill of materials of a release, in the format CycloneDX 1.6.
 * @param {{ name: string, version: string, purl: string, parts: readonly Component[] }[]} packages
 * @param {string} timestamp of the release, in ISO 8601
 */
export function billOfMaterials(packages, timestamp) {
  const [main] = packages;
  if (!main) throw new Error('a release has a package');
  const reference = (/** @type {{ purl: string }} */ { purl }) => purl;
  const entry = (/** @type {Component} */ { name, version, licence, purl }) => ({
    type: 'library',
    'bom-ref': purl,
    name,
    version,
    licenses: [/ WITH | OR | AND /.test(licence) ? { expression: licence } : { license: { id: licence } }],
    purl,
  });
  const parts = new Map(packages.flatMap((one) => one.parts.map((part) => [part.purl, entry(part)])));
  const ours = packages.slice(1).map(({ name, version, purl }) => ({
    type: 'library',
    'bom-ref': purl,
    name,
    version,
    licenses: [{ license: { id: 'MIT' } }],
    purl,
  }));
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: {
      timestamp,
      component: {
        type: 'library',
        'bom-ref': main.purl,
        name: main.name,
        version: main.version,
        purl: main.purl,
      },
    },
    components: [...ours, ...parts.values()],
    dependencies: [
      ...packages.map((one, i) => ({
        ref: one.purl,
        dependsOn: [...one.parts.map(reference), ...(i === 0 ? ours.map(({ purl }) => purl) : [])],
      })),
      ...[...parts.keys()].map((ref) => ({ ref, dependsOn: [] })),
    ],
  };
}
