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

/** A training whose weights must not depend on the number of workers. */
interface BitsCase {
  readonly scenario: TrainingScenario;
  readonly optimizer: () => optim.Optimizer;
  readonly transforms?: readonly data.Transform[];
}

/** The weights of a training after some steps. */
export interface BitsResult {
  readonly case: string;
  readonly model: string;
  readonly workers: number;
  readonly steps: number;
  /** The first 16 hexadecimal digits of the SHA-256 of all parameters and buffers. */
  readonly hash: string;
  /** The same for another run. */
  readonly again: string;
  /** The same for a run that was stopped in the middle of an epoch and resumed with another number of workers. */
  readonly resumed: string;
}

export const SHARDS = 8;

/** Whole batches in an epoch, followed by one of fewer samples than there are shards. */
const WHOLE_BATCHES = 3;
const LAST_BATCH = 5;

const mlp = classifier({
  name: 'mlp',
  title: '64-128-64-10 with dropout, AdamW',
  // Not a multiple of the number of shards.
  batchSize: 44,
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
  batchSize: 44,
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

const cases: readonly BitsCase[] = [
  { scenario: mlp, optimizer: () => optim.adamW({ lr: 1e-3 }) },
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
    scenario: { ...resnet20, title: 'ResNet-20 on 32x32 images, momentum', batchSize: 44 },
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
  readonly workers?: readonly number[];
  readonly epochs?: number;
}

/** Trains each case with 8 shards on several numbers of workers: once, once more, and with an interruption. */
export async function* runSameBits({
  workers = [1, 2, 3, 4, 5, 8],
  epochs = 3,
}: BitsOptions = {}): AsyncGenerator<BitsResult> {
  for (const bits of cases) {
    for (const [i, count] of workers.entries()) {
      const first = await train(bits, { workers: count, epochs });
      yield {
        case: bits.scenario.name,
        model: bits.scenario.title,
        workers: count,
        steps: epochs * (WHOLE_BATCHES + 1),
        hash: first,
        again: await train(bits, { workers: count, epochs }),
        resumed: await trainInTwoParts(bits, {
          workers: [count, workers[(i + 1) % workers.length] as number],
          epochs,
        }),
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
  readonly workers: number;
  readonly epochs: number;
  readonly checkpoint?: CheckpointOptions;
}

/** Trains, or resumes from the checkpoints, and returns the hash of the weights. */
async function train({ scenario, optimizer, transforms = [] }: BitsCase, run: Run): Promise<string> {
  const { loss, batchSize } = scenario;
  const { workers, ...options } = run;
  const trainer = new Trainer(scenario.model(), {
    loss,
    optimizer: optimizer(),
    workers,
    shards: SHARDS,
    seed: 7,
  });
  const samples = randomData(scenario, WHOLE_BATCHES + 1)
    .take(WHOLE_BATCHES * batchSize + LAST_BATCH)
    .transform(transforms);
  for await (const _ of trainer.fit(samples, { ...options, batchSize })) {
    // Nothing to do between epochs.
  }
  return hashOf(trainer.model);
}

/** Stops a run after two epochs, deletes the checkpoints since the middle of the second, and resumes from there. */
async function trainInTwoParts(
  bits: BitsCase,
  { workers, epochs }: { readonly workers: readonly [number, number]; readonly epochs: number },
): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'same-bits-'));
  const checkpoint = { dir, everySteps: 1, keep: 1000 };
  try {
    await train(bits, { workers: workers[0], epochs: Math.min(2, epochs), checkpoint });
    for (const { step, path } of await listCheckpoints(dir)) {
      if (step % (WHOLE_BATCHES + 1) !== 0) break;
      await rm(path);
    }
    let from = 0;
    const onResume = ({ epochStep }: { readonly epochStep: number }) => {
      from = epochStep;
    };
    const hash = await train(bits, { workers: workers[1], epochs, checkpoint: { ...checkpoint, onResume } });
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
