// Checks the C++ format against .clang-format, or with --fix corrects it.
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { capture, root } from './setup/run.mjs';

/** The program in the npm package clang-format, or undefined: some platforms have none. */
function clangFormat() {
  try {
    return createRequire(import.meta.url)('clang-format').getNativeBinary();
  } catch {
    return undefined;
  }
}

const program = clangFormat();
if (!program) {
  // Another version, such as the system's, breaks some lines differently: its verdict would be noise.
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
