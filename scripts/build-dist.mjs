// `npm pack` and `npm publish` run this first: dist, compiled from scratch, so that it holds no file of a deleted
// source, and bundled, so that it loads quickly. With --modules, which they run afterwards, dist holds the modules
// again that the tests and tools of the repository import.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { bundle } from './setup/bundle.mjs';
import { bundleClone } from './setup/bundle-clone.mjs';
import { report, root } from './setup/run.mjs';
import { ensureTypes } from './setup/types.mjs';

try {
  rmSync(join(root, 'dist'), { recursive: true, force: true });
  await ensureTypes();
  await (process.argv.includes('--modules') ? bundleClone() : bundle());
} catch (error) {
  report(error);
  process.exitCode = 1;
}
