import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { messageOf } from '../../lib/graph/errors.js';

interface PackageFile {
  readonly version?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
}

/**
 * Installs the npm packages of a peer, unless they are there, and remarks it. They are not among this package's own
 * development dependencies: they take hundreds of megabytes, of which neither `npm ci` nor a test has need.
 *
 * @param list the package.json that names them
 * @param installed the copy of it, beside which they are installed
 * @returns false if they cannot be installed
 */
export async function ensureNpmPackages(
  list: URL,
  installed: URL,
  remark: (line: string) => void,
): Promise<boolean> {
  const { dependencies = {} } = read(list) ?? {};
  const wanted = Object.entries(dependencies);
  const missing = wanted.filter(
    ([name, version]) => read(new URL(`node_modules/${name}/package.json`, installed))?.version !== version,
  );
  if (missing.length === 0) return true;
  const names = missing.map(([name, version]) => `${name}@${version}`).join(' ');
  remark(`installing ${names}, for the benchmark alone`);
  try {
    const folder = new URL('.', installed);
    mkdirSync(folder, { recursive: true });
    copyFileSync(list, installed);
    // Without scripts: they fetch libraries for graphics processors.
    const args = ['install', '--ignore-scripts', '--no-package-lock', '--no-audit', '--no-fund'];
    await promisify(execFile)('npm', args, { cwd: folder });
    return true;
  } catch (error) {
    remark(`npm could not install ${names}: ${lastLine(messageOf(error))}`);
    return false;
  }
}

function read(file: URL): PackageFile | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as PackageFile;
  } catch {
    return undefined;
  }
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}
