// `npm run bench [-- subcommand, cases and options]`: gets the repository ready, then times training steps.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from './setup/run.mjs';
import { setUp } from './setup.mjs';

if (!(await setUp())) process.exit(1);
const main = join(root, 'dist/bench/main.js');
process.argv = [process.execPath, main, ...process.argv.slice(2)];
await import(pathToFileURL(main).href);
