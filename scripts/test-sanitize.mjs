// `npm run test:sanitize [-- address|thread] [arguments of vitest]`: runs the tests on an addon built for GCC's
// sanitizers.
import { join } from 'node:path';
import { buildAddon } from './setup/addon.mjs';
import { capture, report, root, run, step } from './setup/run.mjs';
import { setUp } from './setup.mjs';

const runtimes = { address: ['asan', 'ubsan'], thread: ['tsan'] };

const args = process.argv.slice(2);
const kind = args[0] === 'thread' ? 'thread' : 'address';
if (args[0] === kind) args.shift();

async function main() {
  if (!(await setUp({ addon: false }))) return 1;
  const folder = `build/sanitize-${kind}`;
  await step(`Building the addon for the ${kind} sanitizer`, () =>
    buildAddon(folder, { CHAINRULE_SANITIZE: kind }),
  );

  // Node itself is not instrumented, so the runtime has to be loaded before it; Node's own leaks are ignored.
  const libraries = await Promise.all(
    runtimes[kind].map((name) => run(process.env.CXX ?? 'c++', [`-print-file-name=lib${name}.so`])),
  );
  const env = {
    LD_PRELOAD: libraries.map((path) => path.trim()).join(' '),
    // Freed blocks are held back up to this many MB, which tests of resident memory would take for a leak.
    ASAN_OPTIONS: 'detect_leaks=0:allocator_may_return_null=1:quarantine_size_mb=32',
    UBSAN_OPTIONS: 'print_stacktrace=1',
    TSAN_OPTIONS: 'ignore_noninstrumented_modules=1',
    CHAINRULE_ADDON: join(root, folder, 'Release/chainrule.node'),
  };
  const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--testTimeout=600000', ...args];
  return (await capture(process.execPath, vitest, { env, inherit: true })).code;
}

try {
  process.exitCode = await main();
} catch (error) {
  report(error);
  process.exitCode = 1;
}
