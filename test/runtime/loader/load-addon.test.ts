import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { unloadable } from '#lib/runtime/loader/failures.js';
import { glibcVersion, thisPlatform } from '#lib/runtime/loader/platforms.js';

const { version } = JSON.parse(readFileSync('package.json', 'utf8'));

/** The code and the message with which the addon of a package in a folder does not load; 'loads' if it does. */
async function outcome(folder: string, env: NodeJS.ProcessEnv = {}, before = ''): Promise<string> {
  const module = pathToFileURL(join(folder, 'dist/lib/runtime/addon.js')).href;
  const script = `
    ${before};
    import { addon } from ${JSON.stringify(module)};
    try { addon(); console.log('loads'); } catch (error) { console.log(error.code + ' ' + error.message); }`;
  const args = ['--input-type=module', '-e', script];
  const { stdout } = await promisify(execFile)(process.execPath, args, {
    env: { ...process.env, CHAINRULE_ADDON: '', ...env },
  });
  return stdout.trim();
}

describe('the addon of an installed package', () => {
  let folder = '';
  const platform = `@chainrule/${thisPlatform()}`;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'chainrule-loader-'));
    cpSync('package.json', join(folder, 'package.json'));
    cpSync('dist/lib', join(folder, 'dist/lib'), { recursive: true });
    for (const name of [
      'leven',
      'string-width',
      'emoji-regex',
      'is-fullwidth-code-point',
      'strip-ansi',
      'ansi-regex',
    ]) {
      mkdirSync(join(folder, 'node_modules'), { recursive: true });
      symlinkSync(resolve('node_modules', name), join(folder, 'node_modules', name), 'dir');
    }
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  /** Installs a package for a platform that has a module in place of the addon. */
  function install(text: string, name = platform): void {
    const home = join(folder, 'node_modules', name);
    mkdirSync(home, { recursive: true });
    writeFileSync(join(home, 'package.json'), '{ "main": "addon.cjs" }');
    writeFileSync(join(home, 'addon.cjs'), text);
  }

  it('is missed with the name of its package and the ways to get it', async () => {
    const message = await outcome(folder);
    expect(message).toMatch(/^ERR_CHAINRULE_ADDON addon: the package /);
    expect(message).toContain(platform);
    expect(message).toContain('package-lock.json');
    expect(message).toContain('npx chainrule build');
  });

  it('is that of the platform', async () => {
    install(`exports.version = '${version}'; exports.abortAllRuns = () => {};`);
    expect(await outcome(folder)).toBe('loads');
  });

  it('is the one that is installed, without a report of the process, which waits for threads that are busy', async () => {
    const silent = "process.report.getReport = () => { throw new Error('a report') }";
    expect(await outcome(folder, {}, silent)).toBe('loads');
  });

  it.runIf(process.platform === 'linux')('is that of the C library where both are installed', async () => {
    const other = platform.endsWith('gnu')
      ? platform.replace('gnu', 'musl')
      : platform.replace('musl', 'gnu');
    install("throw new Error('no such library')", other);
    expect(await outcome(folder)).toBe('loads');
    rmSync(join(folder, 'node_modules', platform), { recursive: true });
    expect(await outcome(folder)).toContain(
      `the package ${platform}, which has the addon for this system, is not`,
    );
    rmSync(join(folder, 'node_modules', other), { recursive: true });
  });

  it('is refused if it belongs to another version, both of which are named', async () => {
    install("exports.version = '0.0.1';");
    expect(await outcome(folder)).toMatch(
      new RegExp(
        `^ERR_CHAINRULE_ADDON .*${platform}.* of version 0\\.0\\.1, and chainrule is ${version.replaceAll('.', '\\.')}`,
      ),
    );
  });

  it('gives way to that of CHAINRULE_ADDON, which is refused by the same rules', async () => {
    install(`exports.version = '${version}'; exports.abortAllRuns = () => {};`);
    const other = join(folder, 'other.cjs');
    writeFileSync(other, "exports.version = '0.0.2';");
    expect(await outcome(folder, { CHAINRULE_ADDON: other })).toContain(`${other} is of version 0.0.2`);
    expect(await outcome(folder, { CHAINRULE_ADDON: join(folder, 'none.node') })).toContain('none.node');
  });

  it('is not looked for by code in a bundle, which is told apart by the package around it', async () => {
    writeFileSync(join(folder, 'package.json'), '{ "name": "user", "type": "module" }');
    expect(await outcome(folder)).toMatch(/^ERR_CHAINRULE_ADDON .*mark chainrule as external/);
  });
});

it('an addon that needs a newer glibc is refused with both versions', () => {
  const reason =
    "/lib/x86_64-linux-gnu/libm.so.6: version `GLIBC_9.38' not found (required by /app/chainrule.node)";
  const { message } = unloadable('/app/chainrule.node', reason, new Error(reason));
  expect(message).toContain('needs glibc 9.38 or newer');
  expect(message).toContain(`this system has ${glibcVersion() ?? 'another C library'}`);
});
