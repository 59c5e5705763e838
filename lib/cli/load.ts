import { datasetOrStream, hintFor } from '../data/kinds.js';
import { isRecord } from '../graph/arguments/is-record.js';
import { type Kind, requireKind } from '../graph/arguments/kind.js';
import { unknownName } from '../graph/arguments/options.js';
import { invalid } from '../graph/errors.js';
import { module as modelKind } from '../nn/kinds.js';
import { batchLoss } from '../nn/losses/batch-loss.js';
import { optimizer as optimizerKind } from '../optim/optimizer.js';
import { type Batching, batchCount, trainedSamples } from '../parallel/protocol/shards.js';
import { memorySize } from '../runtime/memory-size.js';
import { enumerate } from '../text/names.js';
import type { Callback } from '../train/callbacks/index.js';
import { type RunSize, Trainer, type TrainerOptions } from '../train/index.js';
import type { AnyTrainerOptions } from '../train/options.js';
import { figuresOf } from '../train/prepare/metrics.js';
import {
  type AnyTrainingModule,
  type TrainingData,
  trainingData,
  trainingModuleKinds,
} from '../train/training-module.js';
import { opOf } from './input-file.js';
import { importFile, inUsersCode } from './users-code.js';

/** Settings of a run from the command line; omitted ones are those of the module, or the defaults. */
export interface RunOptions {
  readonly epochs?: number;
  readonly batchSize?: number;
  readonly dropLast?: boolean;
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
  readonly data: TrainingData;
  readonly epochs: number;
  readonly batchSize: number;
  readonly dropLast: boolean;
  readonly seed: number;
  readonly callbacks: readonly Callback[];
}

/** Loads a training module and creates its trainer. `command` is named in errors. */
export async function loadRun(command: string, file: string, options: RunOptions): Promise<LoadedRun> {
  const op = opOf(command, file);
  const { workers, shards, memory, log } = options;
  // Before the data are loaded, which may take long.
  if (memory !== undefined) requireKind(command, '--memory', memorySize, memory);
  const module = requireModule(op, await importFile(op, file));
  const {
    epochs = module.epochs ?? 1,
    batchSize = module.batchSize ?? 32,
    dropLast = module.dropLast ?? false,
    seed = module.seed ?? 0,
  } = options;
  const data = dataOf(op, await inUsersCode(op, 'data()', () => module.data()));
  const model = await inUsersCode(op, 'model()', () => module.model());
  const size = sizeOf(op, data, epochs, { batchSize, dropLast });
  const optimizer = await inUsersCode(op, 'optimizer()', () => module.optimizer(size));
  const trainerOptions: AnyTrainerOptions = {
    loss: module.loss,
    optimizer: requireKind(op, 'optimizer()', optimizerKind, optimizer),
    seed,
    ...(workers === undefined ? {} : { workers }),
    ...(shards === undefined ? {} : { shards }),
    ...(memory === undefined ? {} : { memory }),
    ...(log ? { log } : {}),
    ...(module.lossWeights ? { lossWeights: module.lossWeights } : {}),
    ...(module.metrics ? { metrics: module.metrics } : {}),
    ...(module.extraModules ? { extraModules: module.extraModules } : {}),
  };
  // What the outputs of the model are, only its file knows.
  const trainer = new Trainer(requireKind(op, 'model()', modelKind, model), trainerOptions as TrainerOptions);
  return { trainer, data, epochs, batchSize, dropLast, seed, callbacks: module.callbacks ?? [] };
}

/** What `data()` gave; samples alone are those to train on. */
function dataOf(op: string, given: unknown): TrainingData {
  if (datasetOrStream.accepts(given)) return { train: given as TrainingData['train'] };
  if (!isRecord(given)) {
    const hint = hintFor(given);
    throw invalid(op, `data() must give { train, test }, a Dataset or a stream${hint}`, given);
  }
  return requireKind(op, 'data()', trainingData, given);
}

function sizeOf(op: string, { train }: TrainingData, epochs: number, batching: Batching): RunSize {
  const { batchSize } = batching;
  return {
    epochs,
    batchSize,
    get steps() {
      if (train.length !== undefined)
        return epochs * batchCount(trainedSamples(train.length, batching), batchSize);
      throw invalid(
        op,
        'optimizer() asks for the steps of the run: the stream to train on needs the option length',
      );
    },
  };
}

function requireModule(op: string, imported: Readonly<Record<string, unknown>>): AnyTrainingModule {
  const { default: exported, ...named } = imported;
  const module = defaultOf(exported);
  requireKeys(op, module, Object.keys(named));
  for (const [key, expected] of Object.entries<Kind<unknown>>(trainingModuleKinds)) {
    const value = module[key];
    if (value !== undefined || 'needed' in expected) requireKind(op, key, expected, value);
  }
  const checked = module as unknown as AnyTrainingModule;
  figuresOf(op, batchLoss(op, checked.loss, checked.lossWeights), checked.metrics);
  return checked;
}

/** The default export, also of a file that was compiled to CommonJS. */
export function defaultOf(exported: unknown): unknown {
  const compiled = isRecord(exported) && exported.__esModule === true;
  return compiled ? exported.default : exported;
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
  const found = lost.length > 0 ? `; it exports ${enumerate(lost)} by name, not as keys of that object` : '';
  if (missing.length > 0) {
    const expected = 'must export by default an object with the functions model, loss, optimizer and data';
    if (module === undefined) throw invalid(op, `${expected}; it has no default export${found}`);
    const lacks = `${expected}; it lacks ${missing.join(', ')}${found}`;
    throw isRecord(module) ? invalid(op, lacks) : invalid(op, lacks, module);
  }
  if (lost.length > 0) throw invalid(op, `must have ${enumerate(lost)} as keys of its default export`);
}

/** A name in whatever way it is written. */
function plain(name: string): string {
  return name.replaceAll('_', '').toLowerCase();
}
