// A project of a user, in a folder of its own, with the packages installed as npm packs them.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { capture, SetupError, temporaryFolder } from '../setup/run.mjs';

export class Project {
  /** @param {string} name */
  constructor(name) {
    this.folder = temporaryFolder(`chainrule-${name}-`);
    this.write({ 'package.json': '{ "name": "user", "private": true }\n' });
  }

  /** Installs packages by npm, without their scripts. @param {readonly string[]} packages */
  async install(packages) {
    await this.run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', ...packages]);
  }

  /** @param {Readonly<Record<string, string>>} files their texts by name */
  write(files) {
    for (const [name, text] of Object.entries(files)) {
      const file = join(this.folder, name);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
    }
  }

  /** @param {string} name */
  read(name) {
    return readFileSync(join(this.folder, name), 'utf8');
  }

  /**
   * Runs a command that has to succeed, with the installed addon; its output.
   * @param {string} command @param {readonly string[]} [args] @param {NodeJS.ProcessEnv} [env]
   */
  async run(command, args = [], env = {}) {
    const { code, output } = await this.attempt(command, args, env);
    if (code === 0) return output;
    throw new SetupError(`failed (exit code ${code}): ${[command, ...args].join(' ')}`, { output });
  }

  /** Runs a command that may fail. @param {string} command @param {readonly string[]} args @param {NodeJS.ProcessEnv} [env] */
  attempt(command, args, env = {}) {
    return capture(command, [...args], { cwd: this.folder, env: { CHAINRULE_ADDON: '', ...env } });
  }

  remove() {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
