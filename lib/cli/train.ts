import { basename, extname } from 'node:path';
import { invalid } from '../graph/errors.js';
import { addon } from '../runtime/addon.js';
import type { Callback } from '../train/callbacks/index.js';
import type { CheckpointOptions, EpochResult, FitOptions } from '../train/index.js';
import { EpochBar } from './epoch-bar.js';
import type { Interruption } from './interruption.js';
import { type LoadedRun, loadRun, type RunOptions } from './load.js';
import { proveOutput, saveOrElsewhere } from './outputs.js';
import { count, figures, loss, seconds } from './quantities.js';
import { goOnUnread, say } from './terminal.js';

export interface TrainOptions extends RunOptions {
  readonly output?: string;
  /** Directory of checkpoints; a run saved there is resumed. */
  readonly checkpoint?: string;
  /** Steps between two checkpoints. Default: every 5 minutes. */
  readonly saveEvery?: number;
}

/**
 * Trains the model of a file with a live progress bar, and saves its weights, also when it is interrupted or fails.
 * Returns the exit code.
 */
export async function train(
  file: string,
  options: TrainOptions,
  interruption: Interruption,
): Promise<number> {
  if (options.saveEvery !== undefined && options.checkpoint === undefined) {
    throw invalid('train', '--save-every needs --checkpoint, the directory that is saved to');
  }
  goOnUnread();
  try {
    const output = options.output ?? `${basename(file, extname(file))}.safetensors`;
    await proveOutput('train', '--output', output, file);
    const log = (line: string) => say(line.replace(/^fit: /, ''));
    const run = await loadRun('train', file, { ...options, log });
    say(describeRun(file, run));
    return await trainAndSave(run, output, options, interruption);
  } finally {
    interruption.end();
  }
}

async function trainAndSave(
  run: LoadedRun,
  output: string,
  options: TrainOptions,
  interruption: Interruption,
): Promise<number> {
  const { trainer } = run;
  interruption.steps = () => trainer.steps;
  const save = async (): Promise<string> => {
    interruption.phase = 'saving';
    return await saveOrElsewhere('the weights', output, (path) => trainer.model.save(path));
  };
  try {
    interruption.phase = 'training';
    await trainWith(run, options, interruption);
  } catch (error) {
    const stopped = interruption.exitCode !== undefined;
    if (trainer.steps > 0)
      say(`stopped after ${count(trainer.steps)} steps; their weights are in ${await save()}`);
    else if (stopped) say('stopped before the first step: nothing was saved');
    if (interruption.uncaught) throw interruption.uncaught.error;
    if (!stopped) throw error;
    return interruption.exitCode ?? 1;
  }
  say(`weights saved to ${await save()}`);
  return interruption.exitCode ?? 0;
}

async function trainWith(run: LoadedRun, options: TrainOptions, { signal }: Interruption): Promise<void> {
  const { trainer, data, epochs, batchSize, dropLast, callbacks } = run;
  const bar = new EpochBar(epochs);
  const fitOptions: FitOptions = {
    epochs,
    batchSize,
    dropLast,
    signal,
    onProgress: (progress) => bar.show(progress),
    ...(data.test ? { validation: data.test } : {}),
    ...(callbacks.length > 0 ? { callbacks: [...callbacks, tellingWhy(bar)] } : {}),
    ...(options.checkpoint ? { checkpoint: checkpointOf(options.checkpoint, options) } : {}),
  };
  const started = performance.now();
  let examples = 0;
  try {
    for await (const epoch of trainer.fit(data.train, fitOptions)) {
      bar.clear();
      say(describe(epoch, epochs));
      examples += epoch.seconds * epoch.examplesPerSecond;
    }
  } finally {
    bar.clear();
  }
  const elapsed = (performance.now() - started) / 1000;
  const last = trainer.history.at(-1);
  const quality = last?.validation
    ? figures(last.validation, 'test ')
    : `loss ${loss(last?.loss ?? Number.NaN)}`;
  // A resumed run may have been at its end.
  const pace =
    examples > 0 ? `, ${count(examples / elapsed)} examples/s${data.test ? ' with testing' : ''}` : '';
  say(`done: ${quality}, ${seconds(elapsed)}${pace}`);
}

/** Says why a callback has ended training. */
function tellingWhy(bar: EpochBar): Callback {
  return {
    name: 'chainrule train',
    onFitEnd({ outcome, reason }) {
      bar.clear();
      if (outcome === 'stopped' && reason !== undefined) say(`stopped: ${reason}`);
    },
  };
}

function describeRun(file: string, { trainer, data, batchSize, seed }: LoadedRun): string {
  const parameters = trainer.model.parameters().reduce((sum, { size }) => sum + size, 0);
  const { length } = data.train;
  const samples = length === undefined ? 'a stream of samples' : `${count(length)} samples`;
  const test = data.test ? ` and ${count(data.test.length)} to test` : '';
  return (
    `training ${basename(file)}: ${count(parameters)} parameters, ${samples}${test}, batch size ${batchSize}, ` +
    `${addon().isa()} kernels, seed ${seed}`
  );
}

function checkpointOf(dir: string, { saveEvery }: TrainOptions): CheckpointOptions {
  return {
    dir,
    ...(saveEvery === undefined ? {} : { everySteps: saveEvery }),
    onResume({ path, step, epochs, epochStep }) {
      const inEpoch = epochStep > 0 ? ` and ${count(epochStep)} steps of the next` : '';
      say(`goes on from ${path}: ${count(step)} steps, ${count(epochs)} epochs${inEpoch}`);
    },
  };
}

function describe(result: EpochResult, epochs: number): string {
  const test = result.validation ? `  ${figures(result.validation, 'test ')}` : '';
  const pace = `${seconds(result.seconds)}  ${count(result.examplesPerSecond)} examples/s`;
  return `epoch ${result.epoch}/${epochs}  loss ${loss(result.loss)}${test}  ${pace}`;
}
