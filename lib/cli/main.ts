#!/usr/bin/env node
import { Command, Option } from 'commander';
import { packageRoot } from '../runtime/package-root.js';
import { version } from '../runtime/version.js';
import { benchCommand } from './bench-command.js';
import { Interruption } from './interruption.js';
import {
  dropLast,
  layout,
  memory,
  outputPath,
  positiveInteger,
  seed,
  shards,
  share,
  workers,
} from './options.js';
import { endWith, run } from './run.js';

// Each command loads its own code lazily, so that `--help` is fast.
const program = new Command('chainrule')
  .description('Trains neural networks in Node.js, on all cores of the CPU.')
  .version(version())
  .helpCommand(false)
  .exitOverride();

program
  .command('train')
  .description('train the model of a file (see TrainingModule in the README)')
  .argument('<file>', 'a JavaScript module')
  .option('-e, --epochs <n>', 'passes over the data', positiveInteger)
  .option('-b, --batch-size <n>', 'samples per step', positiveInteger)
  .addOption(dropLast)
  .addOption(workers)
  .addOption(shards)
  .addOption(memory)
  .option('-s, --seed <n>', 'seed of initial values, order and dropout', seed)
  .option('-o, --output <file>', 'where the weights are saved; <name>.safetensors by default', outputPath)
  .option('--checkpoint <dir>', 'directory of checkpoints; a run that was saved there is resumed', outputPath)
  .option(
    '--save-every <steps>',
    'steps from one checkpoint to the next; 5 minutes by default',
    positiveInteger,
  )
  .action(async (file, options) => {
    // Before anything else, so that a signal is answered at any time.
    const interruption = new Interruption(options.checkpoint !== undefined);
    const { train } = await import('./train.js');
    endWith(await train(file, options, interruption));
  });

program
  .command('plan')
  .description(
    'report the memory, operations and time that training the model of a file will take; the model stays as it is',
  )
  .argument('<file>', 'a JavaScript module')
  .option('-b, --batch-size <n>', 'samples per step', positiveInteger)
  .addOption(new Option('--batch <n>', 'the same').argParser(positiveInteger).hideHelp())
  .addOption(dropLast)
  .addOption(workers)
  .addOption(shards)
  .addOption(memory)
  .option(
    '--html <file>',
    'where a page with pictures is saved: memory over the schedule, and what budgets cost',
    outputPath,
  )
  .option('--json', 'print one line of JSON')
  .action(async (file, { batch, ...options }) => {
    if (batch !== undefined && options.batchSize !== undefined) {
      throw new Error('plan: --batch is --batch-size: one of them is enough');
    }
    const { plan } = await import('./plan.js');
    await plan(file, batch === undefined ? options : { batchSize: batch, ...options });
  });

program
  .command('profile')
  .description('time training steps of the model of a file, by op and by layer; the model stays as it is')
  .argument('<file>', 'a JavaScript module')
  .option('--steps <n>', 'training steps to time; 10 by default', positiveInteger)
  .option('-b, --batch-size <n>', 'samples per step', positiveInteger)
  .addOption(workers)
  .option('--trace <file>', 'where a flame chart is saved, in the Chrome trace event format', outputPath)
  .option('--json', 'print one line of JSON')
  .action(async (file, options) => {
    const { profile } = await import('./profile.js');
    await profile(file, options);
  });

program
  .command('compare')
  .description(
    'compare the model of a file with activations recorded in PyTorch, layer by layer (see docs/transfer.md)',
  )
  .argument(
    '<file>',
    'a JavaScript module that exports the model, a function that makes it, or what train takes',
  )
  .argument('<activations>', 'the inputs and the outputs of layers, in a file of tensors')
  .option('--weights <file>', 'the weights that the model is to have')
  .addOption(layout)
  .option(
    '--tolerance <share>',
    'the relative difference from which a layer departs; by dtype by default',
    share,
  )
  .option('--json', 'print one line of JSON')
  .action(async (file, activations, options) => {
    const { compareCommand } = await import('./compare.js');
    endWith(await compareCommand(file, activations, options));
  });

program
  .command('info')
  .description('list the tensors in a file of safetensors, PyTorch or NumPy')
  .argument('<file>')
  .action(async (file) => {
    const { info } = await import('./info.js');
    await info(file);
  });

program
  .command('build')
  .description('compile the native addon from source, for a system that has no package of it')
  .option(
    '-o, --output <file>',
    'where it is put, for CHAINRULE_ADDON; in the package by default',
    outputPath,
  )
  .action(async ({ output }) => {
    const script = new URL('scripts/setup/from-source.mjs', packageRoot);
    const { buildFromSource } = (await import(script.href)) as {
      buildFromSource(output?: string): Promise<boolean>;
    };
    endWith((await buildFromSource(output)) ? 0 : 1);
  });

program.addCommand(benchCommand());

program
  .command('help')
  .description('show how a command is used')
  .argument('[command]')
  .action((name) => {
    const command = name === undefined ? program : program.commands.find((one) => one.name() === name);
    if (!command) return program.error(`unknown command '${name}'`);
    command.help();
  });

void run(program);
