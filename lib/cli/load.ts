import { basename, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isRecord } from '../graph/arguments/is-record.js';
import { type Kind, requireKind } from '../graph/arguments/kind.js';
import { unknownName } from '../graph/arguments/options.js';
import { invalid } from '../graph/errors.js';
import { batchCount } from '../parallel/protocol/shards.js';
import { enumerate } from '../text/names.js';
import { Trainer, type TrainingModule } from '../train/index.js';
import { requireMetrics } from '../train/prepare/metrics.js';
import { trainingData, trainingModuleKinds } from '../train/training-module.js';

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
  const name = `${command}: ${basename(file)}`;
  const data = requireKind(name, 'data()', trainingData, await module.data());
  if (data.train.length === undefined) throw invalid(name, 'a stream to train on needs the option length');
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
    ...(module.extraModules ? { extraModules: module.extraModules } : {}),
  });
  return { trainer, data, epochs, batchSize, seed };
}

async function load(command: string, file: string): Promise<TrainingModule> {
  const imported = (await import(pathToFileURL(resolve(file)).href)) as Readonly<Record<string, unknown>>;
  const { default: module, ...named } = imported;
  const op = `${command}: ${basename(file)}`;
  requireKeys(op, module, Object.keys(named));
  for (const [key, expected] of Object.entries<Kind<unknown>>(trainingModuleKinds)) {
    const value = module[key];
    if (value !== undefined || 'needed' in expected) requireKind(op, key, expected, value);
  }
  if (module.metrics !== undefined) requireMetrics(op, module.metrics);
  return module as unknown as TrainingModule;
}

/** Checks that a default export has the keys of a training module and no others. */
function requireKeys(
  op: string,
  module: unknown,
  named: readonly string[],
): asserts module is Readonly<Record<string, unknown>> {
  const known = Object.keys(trainingModuleKinds);
  const given = typeof module === 'object' && module !== null ? (module as Record<string, unknown>) : {};
  // An instance of a class may have fields of its own.
  const unknown = isRecord(given) ? Object.keys(given).find((key) => !known.includes(key)) : undefined;
  if (unknown !== undefined) throw unknownName(op, 'key', unknown, known);
  const lost = named.filter((name) => known.some((key) => !(key in given) && plain(name) === plain(key)));
  const missing = ['model', 'loss', 'optimizer', 'data'].filter((key) => given[key] === undefined);
  const found = lost.length > 0 ? `; it exports ${enumerate(lost)} by name, and not as a key of that` : '';
  if (missing.length > 0) {
    const expected = 'must export by default an object with the functions model, loss, optimizer and data';
    throw invalid(op, `${expected}; it lacks ${missing.join(', ')}${found}`);
  }
  if (lost.length > 0) throw invalid(op, `must have ${enumerate(lost)} as keys of its default export`);
}

/** A name in whatever way it is written. */
function plain(name: string): string {
  return name.replaceAll('_', '').toLowerCase();
}
