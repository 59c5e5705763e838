import { Argument, Command, type Option } from 'commander';
import type { StartKernelPeer } from '../bench/kernels/kernel-peer.js';
import type { StartPeers } from '../bench/peer.js';
import type { BenchCommandOptions } from './bench.js';
import { positiveInteger, shards, workers } from './options.js';

type Reports = typeof import('./bench.js');

/** Measurements other than the time of steps, one per subcommand. */
const subcommands: readonly {
  readonly name: string;
  readonly description: string;
  /** Its own option. */
  readonly option?: Option;
  /** True if there are no cases to choose from. */
  readonly whole?: true;
  run(reports: Reports, cases: string[], options: BenchCommandOptions): Promise<void>;
}[] = [
  {
    name: 'backward',
    description: 'time the loss with and without its gradients, on one thread',
    run: (reports, cases, options) => reports.benchBackward(cases, options),
  },
  {
    name: 'scale',
    description: 'time models whose width, depth and batch are doubled',
    run: (reports, cases, options) => reports.benchScale(cases, options),
  },
  {
    name: 'scale-workers',
    description: 'time 1, 2, ... workers, and tell what waiting, summing and updating take',
    run: (reports, cases, options) => reports.benchScaleWorkers(cases, options),
  },
  {
    name: 'shards',
    description: 'time the shards that a trainer chooses, or --shards, beside one for each worker',
    option: shards,
    run: (reports, cases, options) => reports.benchShards(cases, options),
  },
  {
    name: 'service',
    description: 'measure the answers of a service that trains, beside those while it pauses',
    whole: true,
    run: (reports, _, options) => reports.benchService(options),
  },
  {
    name: 'pace',
    description: 'compare how long an epoch takes with what is expected before training',
    run: (reports, cases, options) => reports.benchPace(cases, options),
  },
  {
    name: 'arena',
    description: 'compare the memory of a step with what is alive at once in it',
    run: (reports, cases, options) => reports.benchArena(cases, options),
  },
  {
    name: 'steady',
    description: 'look at the memory over 1,000 training steps',
    run: (reports, cases, options) => reports.benchSteady(cases, options),
  },
];

/**
 * The command `bench`, which times known models on random data, with a subcommand for each other measurement.
 *
 * @param startPeers starts other libraries in the same run; the published package has none, because they need Python
 * @param startKernelPeer starts one that runs single ops
 */
export function benchCommand(startPeers?: StartPeers, startKernelPeer?: StartKernelPeer): Command {
  const bench = withOptions(new Command('bench'))
    .description('time training steps and predictions of known models on random data')
    .addArgument(cases())
    .option(
      '--peers',
      'time PyTorch, JAX, TensorFlow.js and jax-js in the same run, alternating (CHAINRULE_PYTHON names the Python)',
    )
    .enablePositionalOptions()
    .action(async (cases, { peers, ...options }) => {
      requirePeers(peers, startPeers, 'npm run bench -- --peers');
      const reports = await import('./bench.js');
      await reports.bench(cases, options, peers ? startPeers : undefined);
    });
  bench.addCommand(kernelCommand(startKernelPeer));
  for (const { name, description, option, whole, run } of subcommands) {
    const command = withOptions(bench.command(name)).description(description);
    if (option) command.addOption(option);
    if (!whole) command.addArgument(cases());
    command.action(async () => {
      const { peers, ...options } = command.optsWithGlobals();
      if (peers) throw new Error(`bench: --peers is not for ${name}`);
      await run(await import('./bench.js'), whole ? [] : command.processedArgs[0], options);
    });
  }
  return bench;
}

/** The command `bench kernels`. */
function kernelCommand(startPeer?: StartKernelPeer): Command {
  return new Command('kernels')
    .description('time every kernel beside the limits of the machine, BLAS and, with --peers, PyTorch')
    .addArgument(new Argument('[families...]', 'names of families of kernels').default([], 'all'))
    .option('-t, --threads <n>', 'threads that run a kernel each; 1 and all by default', positiveInteger)
    .option('-r, --rounds <n>', 'rounds of which the quickest counts', positiveInteger)
    .option('--json', 'print one line of JSON for each kernel')
    .option('--peers', 'time the ops of PyTorch in the same run, alternating')
    .exitOverride()
    .action(async (families, own, command: Command) => {
      const { peers, ...options } = { ...command.optsWithGlobals(), ...own };
      requirePeers(peers, startPeer, 'npm run bench -- kernels --peers');
      const { benchKernels } = await import('./bench-kernels.js');
      await benchKernels(families, options, peers ? startPeer : undefined);
    });
}

function requirePeers(wanted: boolean | undefined, start: unknown, how: string): void {
  if (wanted && !start) throw new Error(`bench: --peers needs a clone of the repository: ${how}`);
}

const cases = () => new Argument('[cases...]', 'names of cases').default([], 'all');

/** Adds the options that all measurements take. */
export function withOptions(command: Command): Command {
  return command
    .addOption(workers)
    .option('-r, --rounds <n>', 'rounds of which the median counts', positiveInteger)
    .option('--json', 'print one line of JSON for each case')
    .exitOverride();
}
