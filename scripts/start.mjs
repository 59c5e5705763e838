// `npm start [-- arguments]`: gets the repository ready, then trains the MNIST example.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from './setup/run.mjs';
import { setUp } from './setup.mjs';

if (!(await setUp())) process.exit(1);

// In this very process: a signal, a terminal and an exit code then reach the command line without a go-between.
const main = join(root, 'dist/lib/cli/main.js');
const example = join(root, 'dist/examples/mnist.js');
process.argv = [process.execPath, main, 'train', example, ...process.argv.slice(2)];
await import(pathToFileURL(main).href);
