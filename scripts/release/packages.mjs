// The contents of the published packages: the main one, which is JavaScript, types and the sources of the addon, and one
// for each platform, with its addon.
import { copyFileSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { root, run } from '../setup/run.mjs';
import { bundle } from './bundle.mjs';
import { notices, npmComponents } from './components.mjs';
import { rollUpTypes } from './types.mjs';

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const { name, version, description, keywords, license, homepage, repository, bugs, engines } = manifest;
/** What the main package has as it is here. */
const PACKED = [
  ...['README.md', 'CHANGELOG.md', 'LICENSE', 'CMakeLists.txt', 'docs', 'native'],
  // What `npx chainrule build` runs.
  ...['from-source', 'addon', 'run', 'system'].map((name) => `scripts/setup/${name}.mjs`),
];
const common = { version, license, homepage, repository, bugs };

/** @typedef {{ os: string, cpu: string, libc?: string }} Platform */

/**
 * Writes the main package into a folder, from scratch.
 * @param {string} folder
 * @param {Record<string, Platform>} platforms
 * @returns {Promise<import('./components.mjs').Component[]>} what others wrote of it
 */
export async function stageMain(folder, platforms) {
  rmSync(folder, { recursive: true, force: true });
  const dist = join(folder, 'dist');
  const bundled = await bundle(dist);
  await rollUpTypes(dist);
  // It is CommonJS as it is compiled, so that it can be required by a thread that may be terminated while it loads.
  const entry = 'lib/parallel/worker/worker-entry.cjs';
  copyFileSync(join(root, 'dist', entry), join(dist, entry));

  for (const part of PACKED) copy(part, folder);
  copyHeaders(join(folder, 'native/include'));
  const pages = readdirSync(join(folder, 'docs')).filter((name) => name.endsWith('.md'));
  for (const page of ['README.md', 'CHANGELOG.md', ...pages.map((name) => `docs/${name}`)])
    writeFileSync(join(folder, page), absoluteLinks(page, readFileSync(join(root, page), 'utf8')));
  const parts = npmComponents([...bundled, 'node-addon-api', 'node-api-headers']);
  writeFileSync(join(folder, 'THIRD_PARTY.md'), notices(parts));
  writeManifest(folder, {
    name,
    description,
    keywords,
    ...common,
    engines,
    main: './dist/lib/index.js',
    types: './dist/index.d.ts',
    exports: {
      '.': {
        import: { types: './dist/index.d.mts', default: './dist/index.mjs' },
        require: { types: './dist/index.d.ts', default: './dist/lib/index.js' },
      },
      './package.json': './package.json',
    },
    bin: { chainrule: './dist/lib/cli/main.js' },
    dependencies: manifest.dependencies,
    optionalDependencies: Object.fromEntries(
      Object.keys(platforms).map((platform) => [packageOf(platform), version]),
    ),
    peerDependencies: manifest.peerDependencies,
    peerDependenciesMeta: manifest.peerDependenciesMeta,
  });
  return parts;
}

/**
 * Writes a platform's package into a folder, from scratch.
 * @param {string} folder
 * @param {string} platform
 * @param {Platform} fields
 * @param {string} addon a file
 * @param {readonly import('./components.mjs').Component[]} parts what others wrote of it
 */
export function stagePlatform(folder, platform, { os, cpu, libc }, addon, parts) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  copyFileSync(addon, join(folder, 'chainrule.node'));
  copy('LICENSE', folder);
  writeFileSync(join(folder, 'THIRD_PARTY.md'), notices(parts));
  const text = `The native addon of [chainrule](${homepage}) for ${platform}. Install \`chainrule\`, which takes this package.\n`;
  writeFileSync(join(folder, 'README.md'), `# ${packageOf(platform)}\n\n${text}`);
  writeManifest(folder, {
    name: packageOf(platform),
    description: `The native addon of chainrule for ${platform}`,
    ...common,
    engines,
    os: [os],
    cpu: [cpu],
    ...(libc ? { libc: [libc] } : {}),
    main: './chainrule.node',
    // Yarn would keep it in an archive, from which the system loads nothing.
    preferUnplugged: true,
  });
}

/** The package of a platform. @param {string} platform */
export const packageOf = (platform) => `@chainrule/${platform}`;

/**
 * Packs a staged package; the path of the .tgz file.
 * @param {string} folder
 * @param {string} out
 */
export async function pack(folder, out) {
  mkdirSync(out, { recursive: true });
  const printed = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', out], {
    cwd: folder,
  });
  const list = JSON.parse(printed.slice(printed.search(/^[[{]/m)));
  const [packed] = Array.isArray(list) ? list : Object.values(list);
  return {
    file: join(out, packed.filename.replace('@', '').replace('/', '-')),
    unpacked: packed.unpackedSize,
  };
}

/** @param {string} part @param {string} folder */
function copy(part, folder) {
  mkdirSync(dirname(join(folder, part)), { recursive: true });
  cpSync(join(root, part), join(folder, part), { recursive: true });
}

/** The headers of Node-API, so that users who build the addon need no more packages. @param {string} folder */
function copyHeaders(folder) {
  mkdirSync(folder, { recursive: true });
  const api = join(root, 'node_modules/node-api-headers/include');
  for (const file of ['node_api.h', 'node_api_types.h', 'js_native_api.h', 'js_native_api_types.h'])
    copyFileSync(join(api, file), join(folder, file));
  for (const file of ['napi.h', 'napi-inl.h', 'napi-inl.deprecated.h'])
    copyFileSync(join(root, 'node_modules/node-addon-api', file), join(folder, file));
}

/**
 * A page with links to the repository, as of this version, in place of those to what is not in the package.
 * @param {string} page its path
 * @param {string} text
 */
export function absoluteLinks(page, text) {
  return text.replace(/\]\((?!https?:|#)([^)#]+)/g, (link, path) => {
    const target = posix.join(posix.dirname(page), path);
    const packed = PACKED.some((part) => target === part || target.startsWith(`${part}/`));
    return packed ? link : `](${homepage}/blob/v${version}/${target}`;
  });
}

/** @param {string} folder @param {object} fields */
function writeManifest(folder, fields) {
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(fields, null, 2)}\n`);
}
