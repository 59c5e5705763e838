// `npm start [-- arguments]`: gets the repository ready, then trains the MNIST example.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from './setup/run.mjs';
import { setUp } from './setup.mjs';

if (!(await setUp())) process.exit(1);
takeRepeatedInterruptsForOne();

// In this process, so that signals, the terminal and the exit code need no go-between.
const main = join(root, 'dist/lib/cli/main.js');
const example = join(root, 'dist/examples/mnist.js');
process.argv = [process.execPath, main, 'train', example, ...process.argv.slice(2)];
await import(pathToFileURL(main).href);

/**
 * Handles a Ctrl-C that arrives twice, from the terminal and from npm: the second must not kill a command line that the
 * first has begun to stop. A Ctrl-C that nothing else listens for ends the process, as usual.
 */
function takeRepeatedInterruptsForOne() {
  let last = -Infinity;
  process.on('SIGINT', () => {
    const repeated = performance.now() - last < 500;
    last = performance.now();
    if (!repeated && process.listenerCount('SIGINT') === 1) process.exit(130);
  });
}
