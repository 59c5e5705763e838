import { basename, extname } from 'node:path';
import { SingleBar } from 'cli-progress';
import { invalid } from '../graph/errors.js';
import { addon } from '../runtime/addon.js';
import type { CheckpointOptions, EpochResult, Progress } from '../train/index.js';
import { loadRun, type RunOptions } from './load.js';
import { count, figures, seconds } from './quantities.js';

export interface TrainOptions extends RunOptions {
  readonly output?: string;
  /** Directory of checkpoints; a run saved there is resumed. */
  readonly checkpoint?: string;
  /** Steps between two checkpoints. Default: every 5 minutes. */
  readonly saveEvery?: number;
}

/** Exit code of a program ended by Ctrl-C. */
const INTERRUPTED = 130;

/** Trains the model of a file with a live progress bar, and saves its weights. Returns the exit code. */
export async function train(file: string, options: TrainOptions): Promise<number> {
  if (options.saveEvery !== undefined && options.checkpoint === undefined) {
    throw invalid('train', '--save-every needs --checkpoint, the directory that is saved to');
  }
  const log = (line: string) => console.log(line.replace(/^fit: /, ''));
  const { trainer, data, epochs, batchSize, seed } = await loadRun('train', file, { ...options, log });
  const parameters = trainer.model.parameters().reduce((sum, { size }) => sum + size, 0);
  const samples = `${count(data.train.length)} samples${data.test ? ` and ${count(data.test.length)} to test` : ''}`;
  console.log(
    `training ${basename(file)}: ${count(parameters)} parameters, ${samples}, batch size ${batchSize}, ` +
      `${addon().isa()} kernels, seed ${seed}`,
  );

  const interrupt = new AbortController();
  let interrupted = Number.NEGATIVE_INFINITY;
  const onInterrupt = () => {
    // One Ctrl-C may arrive twice, from the terminal and from npm. A later one is intended, and ends the process.
    const repeated = performance.now() - interrupted < 500;
    if (interrupt.signal.aborted && !repeated) process.exit(INTERRUPTED);
    interrupted = performance.now();
    interrupt.abort();
  };
  process.on('SIGINT', onInterrupt);
  const output = options.output ?? `${basename(file, extname(file))}.safetensors`;
  const bar = new EpochBar(epochs);
  const started = performance.now();
  let trained = 0;
  try {
    const validation = data.test ? { validation: data.test } : {};
    const checkpoint = options.checkpoint ? { checkpoint: checkpointOf(options.checkpoint, options) } : {};
    const onProgress = (progress: Progress) => bar.show(progress);
    const fit = trainer.fit(data.train, {
      epochs,
      batchSize,
      signal: interrupt.signal,
      onProgress,
      ...validation,
      ...checkpoint,
    });
    for await (const epoch of fit) {
      bar.clear();
      console.log(describe(epoch, epochs));
      trained++;
    }
  } catch (error) {
    bar.clear();
    if (!interrupt.signal.aborted) throw error;
    await trainer.model.save(output);
    console.log(`stopped after ${count(trainer.steps)} steps; their weights are in ${output}`);
    return INTERRUPTED;
  } finally {
    process.removeListener('SIGINT', onInterrupt);
  }
  const elapsed = (performance.now() - started) / 1000;
  await trainer.model.save(output);
  const last = trainer.history.at(-1);
  const quality = last?.validation ? figures(last.validation, 'test ') : `loss ${last?.loss.toFixed(4)}`;
  const pace = `${count((trained * data.train.length) / elapsed)} examples/s with testing`;
  console.log(`done: ${quality}, ${seconds(elapsed)}, ${pace}`);
  console.log(`weights saved to ${output}`);
  return 0;
}

function checkpointOf(dir: string, { saveEvery }: TrainOptions): CheckpointOptions {
  return {
    dir,
    ...(saveEvery === undefined ? {} : { everySteps: saveEvery }),
    onResume({ path, step, epochs, epochStep }) {
      const inEpoch = epochStep > 0 ? ` and ${count(epochStep)} steps of the next` : '';
      console.log(`goes on from ${path}: ${count(step)} steps, ${count(epochs)} epochs${inEpoch}`);
    },
  };
}

function describe(
  { epoch, loss, validation, seconds: time, examplesPerSecond }: EpochResult,
  epochs: number,
): string {
  const test = validation ? `  ${figures(validation, 'test ')}` : '';
  const pace = `${seconds(time)}  ${count(examplesPerSecond)} examples/s`;
  return `epoch ${epoch}/${epochs}  loss ${loss.toFixed(4)}${test}  ${pace}`;
}

/** Progress bar of an epoch; hidden if the output is not a terminal. */
class EpochBar {
  #bar: SingleBar | undefined;

  constructor(private readonly epochs: number) {}

  show({ epoch, step, steps, examplesPerSecond, loss, eta }: Progress): void {
    if (step === 0 || Number.isNaN(loss)) return;
    const payload = {
      epoch: `epoch ${epoch}/${this.epochs}`,
      pace: count(examplesPerSecond),
      loss: loss.toFixed(4),
      left: Number.isFinite(eta) ? seconds(eta) : '?',
    };
    if (!this.#bar) {
      this.#bar = new SingleBar({
        format: '{epoch} [{bar}] {percentage}%  {pace} examples/s  loss {loss}  ETA {left}',
        clearOnComplete: true,
        hideCursor: true,
        gracefulExit: false,
        barsize: 30,
      });
      this.#bar.start(steps, step, payload);
    } else {
      this.#bar.update(step, payload);
    }
  }

  clear(): void {
    this.#bar?.stop();
    this.#bar = undefined;
  }
}
