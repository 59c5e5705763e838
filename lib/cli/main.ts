#!/usr/bin/env node
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { version } from '../runtime/version.js';

function positiveInteger(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('It must be a positive integer.');
  return value;
}

function seed(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0)
    throw new InvalidArgumentError('It must be a non-negative integer.');
  return value;
}

const workers = new Option(
  '-w, --workers <n>',
  'threads; as many as there are usable cores by default',
).argParser(positiveInteger);

const shards = new Option(
  '--shards <n>',
  'parts of a batch; the weights depend on their number, not on the workers; one for each worker by default',
).argParser(positiveInteger);

const memory = new Option(
  '-m, --memory <size>',
  'the most that training may take, as 512MB, 1.5GB, or auto for half of what is left; without it, what is quickest',
);

// Each command loads its own code, so that `--help` is quick.
const program = new Command('chainrule')
  .description('Trains neural networks in Node.js, on the CPU cores that are there.')
  .version(version())
  .showHelpAfterError()
  .exitOverride();

program
  .command('train')
  .description('train the model that a file exports (see TrainingModule in the README)')
  .argument('<file>', 'a JavaScript module')
  .option('-e, --epochs <n>', 'passes over the data', positiveInteger)
  .option('-b, --batch-size <n>', 'samples per step', positiveInteger)
  .addOption(workers)
  .addOption(shards)
  .addOption(memory)
  .option('-s, --seed <n>', 'decides initial values, order and dropout', seed)
  .option('-o, --output <file>', 'where the weights are saved; <name>.safetensors by default')
  .option('--checkpoint <dir>', 'where the run is saved as it goes, and goes on from when it was ended')
  .option(
    '--save-every <steps>',
    'steps from one checkpoint to the next; 5 minutes by default',
    positiveInteger,
  )
  .action(async (file, options) => {
    const { train } = await import('./train.js');
    process.exitCode = await train(file, options);
  });

program
  .command('plan')
  .description(
    'tell what training the model that a file exports will take: memory, operations, time; it is not changed',
  )
  .argument('<file>', 'a JavaScript module')
  .option('-b, --batch-size <n>', 'samples per step', positiveInteger)
  .addOption(new Option('--batch <n>', 'the same').argParser(positiveInteger).hideHelp())
  .addOption(workers)
  .addOption(shards)
  .addOption(memory)
  .option(
    '--html <file>',
    'where a page with pictures is saved: memory over the schedule, and what budgets cost',
  )
  .option('--json', 'print one line of JSON')
  .action(async (file, { batch, ...options }) => {
    const { plan } = await import('./plan-command.js');
    await plan(file, batch === undefined ? options : { batchSize: batch, ...options });
  });

program
  .command('profile')
  .description('time training steps of the model that a file exports, by op and by layer; it is not changed')
  .argument('<file>', 'a JavaScript module')
  .option('--steps <n>', 'training steps to time; 10 by default', positiveInteger)
  .option('-b, --batch-size <n>', 'samples per step', positiveInteger)
  .addOption(workers)
  .option('--trace <file>', 'where a flame chart is saved, in the Chrome trace event format')
  .option('--json', 'print one line of JSON')
  .action(async (file, options) => {
    const { profile } = await import('./profile.js');
    await profile(file, options);
  });

program
  .command('info')
  .description('list the tensors in a safetensors file')
  .argument('<file>')
  .action(async (file) => {
    const { info } = await import('./info.js');
    await info(file);
  });

program
  .command('bench')
  .description('time training steps and predictions of known models on random data')
  .argument('[cases...]', 'names of cases; all by default')
  .addOption(workers)
  .option('-r, --rounds <n>', 'rounds of which the median counts', positiveInteger)
  .option('--json', 'print one line of JSON for each case')
  .option('--peers', 'time PyTorch and JAX in the same run, alternating (CHAINRULE_PYTHON names the Python)')
  .option('--backward', 'time the loss with and without its gradients, on one thread')
  .option('--scale', 'time models whose width, depth and batch are doubled')
  .option('--scale-workers', 'time 1, 2, ... workers, and tell what waiting, summing and updating take')
  .option('--shards <n>', 'time so many shards beside one for each worker', positiveInteger)
  .option('--service', 'measure the answers of a service that trains, beside those while it pauses')
  .option('--pace', 'compare how long an epoch takes with what is expected before training')
  .option('--arena', 'compare the memory of a step with what is alive at once in it')
  .option('--steady', 'look at the memory over 1,000 training steps')
  .action(async (cases, { arena, backward, pace, scale, scaleWorkers, service, steady, ...options }) => {
    const {
      bench,
      benchArena,
      benchPace,
      benchBackward,
      benchScale,
      benchScaleWorkers,
      benchService,
      benchShards,
      benchSteady,
    } = await import('./bench.js');
    if (arena) await benchArena(cases, options);
    else if (pace) await benchPace(cases, options);
    else if (backward) await benchBackward(cases, options);
    else if (scale) await benchScale(cases, options);
    else if (scaleWorkers) await benchScaleWorkers(cases, options);
    else if (options.shards !== undefined) await benchShards(cases, options);
    else if (service) await benchService(options);
    else if (steady) await benchSteady(cases, options);
    else await bench(cases, options);
  });

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode;
  } else {
    console.error(error instanceof Error ? error.message : error);
    if (process.env.CHAINRULE_DEBUG) console.error(error);
    process.exitCode = 1;
  }
}
