import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CheckpointOptions, data, nn, optim, Trainer } from 'chainrule';
import { classifier } from '../lib/bench/models/classifier.js';
import { gptStep } from '../lib/bench/models/gpt.js';
import { randomData } from '../lib/bench/random-data.js';
import type { TrainingScenario } from '../lib/bench/scenario.js';
import { resnet20 } from '../lib/bench/scenarios/resnet20.js';
import { listCheckpoints } from '../lib/checkpoint/directory.js';
import { withCores } from './stand-in-cores.js';

/** A training whose weights must not depend on the number of workers. */
interface BitsCase {
  readonly scenario: TrainingScenario;
  readonly optimizer: () => optim.Optimizer;
  /** Default: as a trainer chooses. */
  readonly shards?: number;
  readonly transforms?: readonly data.Transform[];
}

/** What computes a training: a number of workers, or as many as a trainer takes of the process's cores. */
export type Machine = { readonly workers: number } | { readonly cores: number };

/** The weights of a training after some steps. */
export interface BitsResult {
  readonly case: string;
  readonly model: string;
  readonly machine: Machine;
  readonly steps: number;
  readonly shards: number;
  /** The first 16 hexadecimal digits of the SHA-256 of all parameters and buffers. */
  readonly hash: string;
  /** The same for another run. */
  readonly again: string;
  /** The same for a run that was stopped in the middle of an epoch and resumed on the next machine. */
  readonly resumed: string;
}

/** Whole batches in an epoch, followed by one of few samples. */
const WHOLE_BATCHES = 3;
const LAST_BATCH = 5;

const mlp = classifier({
  name: 'mlp',
  title: '64-128-64-10 with dropout, AdamW',
  batchSize: 45,
  shape: [64],
  classes: 10,
  model: () =>
    new nn.Sequential(
      new nn.Linear(64, 128),
      new nn.ReLU(),
      new nn.Dropout(0.3),
      new nn.Linear(128, 64),
      new nn.ReLU(),
      new nn.Dropout(0.3),
      new nn.Linear(64, 10),
    ),
});

const cnn = classifier({
  name: 'cnn',
  title: '2 conv with batch norm; flips, crops, rotations, colours, cutout, mixup; Adam',
  batchSize: 45,
  shape: [16, 16, 3],
  classes: 10,
  model: () =>
    new nn.Sequential(
      new nn.Conv2d(3, 16, 3, { padding: 1 }),
      new nn.BatchNorm2d(16),
      new nn.ReLU(),
      new nn.MaxPool2d(2),
      new nn.Conv2d(16, 32, 3, { padding: 1 }),
      new nn.BatchNorm2d(32),
      new nn.ReLU(),
      new nn.GlobalAvgPool(),
      new nn.Linear(32, 10),
    ),
});

// 8 and 16 do not divide 45 samples, so that shards are of two sizes; 3 does.
const cases: readonly BitsCase[] = [
  { scenario: mlp, optimizer: () => optim.adamW({ lr: 1e-3 }) },
  { scenario: { ...mlp, name: 'mlp in 8 shards' }, shards: 8, optimizer: () => optim.adamW({ lr: 1e-3 }) },
  {
    scenario: cnn,
    optimizer: () => optim.adam({ lr: 1e-3 }),
    transforms: [
      data.flip(),
      data.crop({ padding: 2 }),
      data.affine({ degrees: 15 }),
      data.colorJitter({ brightness: 0.2, contrast: 0.2, saturation: 0.2 }),
      data.cutout({ size: 4 }),
      data.mixup({ alpha: 0.2, classes: 10 }),
    ],
  },
  {
    scenario: { ...resnet20, title: 'ResNet-20 on 32x32 images, momentum', batchSize: 45 },
    optimizer: () => optim.sgd({ lr: 0.05, momentum: 0.9, weightDecay: 1e-4 }),
  },
  {
    scenario: {
      ...gptStep('transformer', { blocks: 2, width: 64, heads: 4, context: 32, vocabulary: 64 }, 12),
      title: '2 causal blocks of width 64, gradients clipped, AdamW with averages',
    },
    optimizer: () => optim.adamW({ lr: 1e-3, clipNorm: 0.5, average: 0.9 }),
  },
];

export interface BitsOptions {
  readonly machines?: readonly Machine[];
  readonly epochs?: number;
  /** Names of cases; all by default. */
  readonly names?: readonly string[];
}

const MACHINES: readonly Machine[] = [
  ...[1, 2, 3, 4, 5, 8].map((workers) => ({ workers })),
  ...[1, 2, 4, 64].map((cores) => ({ cores })),
];

/**
 * Trains each case, most with the shards that a trainer chooses, on several machines: once, once more, and with an
 * interruption.
 */
export async function* runSameBits({
  machines = MACHINES,
  epochs = 3,
  names = cases.map(({ scenario }) => scenario.name),
}: BitsOptions = {}): AsyncGenerator<BitsResult> {
  for (const bits of cases.filter(({ scenario }) => names.includes(scenario.name))) {
    for (const [i, machine] of machines.entries()) {
      const next = machines[(i + 1) % machines.length] as Machine;
      const { hash, shards } = await train(bits, machine, { epochs });
      yield {
        ...{ case: bits.scenario.name, model: bits.scenario.title, machine, shards },
        steps: epochs * (WHOLE_BATCHES + 1),
        hash,
        again: (await train(bits, machine, { epochs })).hash,
        resumed: await trainInTwoParts(bits, { machines: [machine, next], epochs }),
      };
    }
  }
}

/** True if all results of each case have one hash. */
export function areSame(results: readonly BitsResult[]): boolean {
  const firsts = new Map<string, string>();
  return results.every(({ case: name, hash, again, resumed }) => {
    const first = firsts.get(name) ?? hash;
    firsts.set(name, first);
    return [hash, again, resumed].every((one) => one === first);
  });
}

interface Run {
  readonly epochs: number;
  readonly checkpoint?: CheckpointOptions;
}

/** Trains, or resumes from the checkpoints. */
async function train(
  { scenario, optimizer, transforms = [], shards: given }: BitsCase,
  machine: Machine,
  run: Run,
): Promise<{ readonly hash: string; readonly shards: number }> {
  const { loss, batchSize } = scenario;
  let shards = 0;
  const log = (line: string) => {
    shards ||= Number(/(\d+) shard/.exec(line)?.[1]);
  };
  const options = { loss, optimizer: optimizer(), seed: 7, log, ...(given && { shards: given }) };
  const trainer =
    'workers' in machine
      ? new Trainer(scenario.model(), { ...options, workers: machine.workers })
      : withCores(machine.cores, () => new Trainer(scenario.model(), options));
  const samples = randomData(scenario, WHOLE_BATCHES + 1)
    .take(WHOLE_BATCHES * batchSize + LAST_BATCH)
    .transform(transforms);
  for await (const _ of trainer.fit(samples, { ...run, batchSize })) {
    // Nothing to do between epochs.
  }
  return { hash: hashOf(trainer.model), shards };
}

/** Stops a run after two epochs, deletes the checkpoints since the middle of the second, and resumes from there. */
async function trainInTwoParts(
  bits: BitsCase,
  { machines, epochs }: { readonly machines: readonly [Machine, Machine]; readonly epochs: number },
): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'same-bits-'));
  const checkpoint = { dir, everySteps: 1, keep: 1000 };
  try {
    await train(bits, machines[0], { epochs: Math.min(2, epochs), checkpoint });
    for (const { step, path } of await listCheckpoints(dir)) {
      if (step % (WHOLE_BATCHES + 1) !== 0) break;
      await rm(path);
    }
    let from = 0;
    const onResume = ({ epochStep }: { readonly epochStep: number }) => {
      from = epochStep;
    };
    const { hash } = await train(bits, machines[1], { epochs, checkpoint: { ...checkpoint, onResume } });
    if (from === 0) throw new Error(`bench: ${bits.scenario.name} did not go on in the middle of an epoch`);
    return hash;
  } finally {
    await rm(dir, { recursive: true });
  }
}

function hashOf(model: nn.Module): string {
  const hash = createHash('sha256');
  for (const [path, { storage }] of [...model.namedParameters(), ...model.namedBuffers()]) {
    // A copy, since the memory of a trainer's model is shared, which a hash does not accept.
    hash.update(path).update(new Uint8Array(storage.data.slice().buffer));
  }
  return hash.digest('hex').slice(0, 16);
}
