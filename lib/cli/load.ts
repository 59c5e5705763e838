import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { invalid } from '../graph/errors.js';
import { batchCount } from '../parallel/protocol/shards.js';
import { Trainer, type TrainingModule } from '../train/index.js';

/** Settings of a run from the command line; omitted ones are those of the module, or the defaults. */
export interface RunOptions {
  readonly epochs?: number;
  readonly batchSize?: number;
  readonly workers?: number;
  readonly shards?: number;
  readonly seed?: number;
  /** Memory budget of training, such as `512MB`. */
  readonly memory?: string;
  /** Receives the lines that report the trainer's choices. */
  readonly log?: (line: string) => void;
}

/** A trainer and its data, as described by a file. */
export interface LoadedRun {
  readonly trainer: Trainer;
  readonly data: Awaited<ReturnType<TrainingModule['data']>>;
  readonly epochs: number;
  readonly batchSize: number;
  readonly seed: number;
}

/** Loads a training module and creates its trainer. `command` is named in errors. */
export async function loadRun(command: string, file: string, options: RunOptions): Promise<LoadedRun> {
  const module = await load(command, file);
  const {
    epochs = module.epochs ?? 1,
    batchSize = module.batchSize ?? 32,
    seed = module.seed ?? 0,
  } = options;
  const { workers, shards, memory, log } = options;
  const data = await module.data();
  const steps = epochs * batchCount(data.train.length, batchSize);
  const trainer = new Trainer(module.model(), {
    loss: module.loss,
    optimizer: module.optimizer({ steps, epochs, batchSize }),
    seed,
    ...(workers === undefined ? {} : { workers }),
    ...(shards === undefined ? {} : { shards }),
    ...(memory === undefined ? {} : { memory }),
    ...(log ? { log } : {}),
    ...(module.metrics ? { metrics: module.metrics } : {}),
  });
  return { trainer, data, epochs, batchSize, seed };
}

async function load(command: string, file: string): Promise<TrainingModule> {
  const imported = (await import(pathToFileURL(resolve(file)).href)) as { default?: Partial<TrainingModule> };
  const module = imported.default;
  const missing = (['model', 'loss', 'optimizer', 'data'] as const).filter(
    (name) => typeof module?.[name] !== 'function',
  );
  if (missing.length > 0) {
    throw invalid(
      command,
      `${file} must export by default an object with the functions model, loss, optimizer and data; ` +
        `it lacks ${missing.join(', ')}`,
    );
  }
  return module as TrainingModule;
}
