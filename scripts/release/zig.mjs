// Zig, which is a Clang with the headers and libraries of other systems: 400 MB, so only a release installs it.
import { copyFileSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { root, run } from '../setup/run.mjs';

/** Installs Zig, of the version and with the checksums in `zig/`; the folder of its program. */
export async function ensureZig() {
  const folder = join(root, 'build/release/zig');
  const bin = join(folder, 'node_modules/.bin');
  if (existsSync(join(bin, 'zig'))) return bin;
  mkdirSync(folder, { recursive: true });
  for (const file of ['package.json', 'package-lock.json'])
    copyFileSync(join(root, 'scripts/release/zig', file), join(folder, file));
  await run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: folder });
  return bin;
}
