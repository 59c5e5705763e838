// Checks that the C++ is laid out as .clang-format says, or with --fix lays it out so.
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { capture, root } from './setup/run.mjs';

/** The program that the npm package clang-format brings, or undefined: it has none for some platforms. */
function clangFormat() {
  try {
    return createRequire(import.meta.url)('clang-format').getNativeBinary();
  } catch {
    return undefined;
  }
}

const program = clangFormat();
if (!program) {
  // Another version, as a system may have, breaks some lines elsewhere: its verdict would be noise.
  console.log(`C++ format not checked: no clang-format for ${process.platform}-${process.arch}`);
} else {
  const files = ['native', 'test/native'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.(cc|h)$/.test(name))
      .map((name) => join(folder, name)),
  );
  const mode = process.argv.includes('--fix') ? ['-i'] : ['--dry-run', '-Werror'];
  const { code } = await capture(program, [...mode, ...files], { inherit: true });
  process.exitCode = code;
}
