// Compiles dist from scratch, so that it holds no file of a deleted source.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { bundleClone } from './setup/bundle-clone.mjs';
import { report, root } from './setup/run.mjs';
import { ensureTypes } from './setup/types.mjs';

try {
  rmSync(join(root, 'dist'), { recursive: true, force: true });
  await ensureTypes();
  await bundleClone();
} catch (error) {
  report(error);
  process.exitCode = 1;
}
