// A program that trains a small convolutional net and can be killed at any moment:
// `node resumable-run.mjs '{"dir":"...","workers":2,...}'` prints a line after each epoch that it trains, and at
// the end a line of JSON with a hash of the weights. Run again with the same dir, it resumes.
import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { hashUniform } from '#examples/lib/formula.js';

// In a few files, since the tests start this program dozens of times.
const library = new URL('../../../dist/lib/published/index.js', import.meta.url).href;
/** @type {typeof import('chainrule')} */
const { data, nn, optim, Trainer } = await import(library);

/**
 * @typedef {object} RunOptions
 * @property {string} [dir] of the checkpoints; none without
 * @property {number} [workers] default 1
 * @property {number} [shards] default 8
 * @property {number} [everySteps] default 1
 * @property {number} [epochs] default 40
 * @property {boolean} [sigterm] as the option of checkpoints
 * @property {boolean} [listens] whether the program listens for SIGTERM itself; then it prints the error of `fit`
 * @property {boolean} [wait] as the option of checkpoints
 * @property {number} [dwell] milliseconds to spend after each epoch
 */

/** With batch norm and dropout, whose state and random numbers must resume as well. */
class Net extends nn.Module {
  conv = new nn.Conv2d(1, 6, 3, { padding: 1 });
  norm = new nn.BatchNorm2d(6);
  drop = new nn.Dropout(0.25);
  fc = new nn.Linear(6 * 4 * 4, 4);

  /** @param {import('chainrule').Tensor} x */
  forward(x) {
    const features = nn.maxPool2d(this.norm.forward(this.conv.forward(x)).relu(), 2);
    return this.fc.forward(this.drop.forward(features).flatten(1));
  }
}

/**
 * Images of 8 x 8, whose class is in their first pixels.
 *
 * @param {number} length
 * @param {number} seed
 */
function images(length, seed) {
  const pixels = Float32Array.from(hashUniform(length * 64, seed));
  const labels = Int32Array.from({ length }, (_, i) => i % 4);
  labels.forEach((label, i) => {
    pixels[64 * i + label] = 2;
  });
  return data.fromArrays(pixels, labels, { inputs: { shape: [8, 8, 1] } });
}

/** @param {import('chainrule').nn.Module} model */
export function hashOf(model) {
  const hash = createHash('sha256');
  for (const [name, { storage }] of [...model.namedParameters(), ...model.namedBuffers()]) {
    hash
      .update(name)
      .update(
        Uint8Array.from(
          new Uint8Array(storage.data.buffer, storage.data.byteOffset, storage.data.byteLength),
        ),
      );
  }
  return hash.digest('hex');
}

/** @param {RunOptions} options */
async function run({ dir, workers = 1, shards = 8, everySteps = 1, epochs = 40, sigterm = true, ...rest }) {
  const lr = optim.warmup(optim.reduceOnPlateau({ lr: 0.01, patience: 2, factor: 0.7 }), { steps: 5 });
  const trainer = new Trainer(new Net(), {
    loss: nn.crossEntropy,
    optimizer: optim.adam({ lr, clipNorm: 1, average: 0.9, groups: [{ match: /bias/, lr: 0.003 }] }),
    seed: 5,
    workers,
    shards,
  });
  let from = 0;
  const checkpoint = dir
    ? {
        dir,
        everySteps,
        sigterm,
        ...(rest.wait === undefined ? {} : { wait: rest.wait }),
        /** @param {{ step: number }} point */
        onResume(point) {
          from = point.step;
        },
      }
    : undefined;
  // The last batch of an epoch has 22 samples, which 8 shards cannot share evenly.
  const options = {
    epochs,
    batchSize: 32,
    validation: images(40, 2),
    ...(checkpoint ? { checkpoint } : {}),
  };
  const epochsSeen = [];
  const started = performance.now();
  for await (const { epoch } of trainer.fit(images(214, 1), options)) {
    epochsSeen.push(epoch);
    process.stdout.write(`epoch ${epoch}\n`);
    if (rest.dwell) await pause(rest.dwell);
  }
  const figures = trainer.history.map(({ epoch, loss, validation }) => [epoch, loss, validation?.loss]);
  const result = {
    hash: hashOf(trainer.model),
    figures: createHash('sha256').update(JSON.stringify(figures)).digest('hex'),
    from,
    steps: trainer.steps,
    epochs: epochsSeen,
    milliseconds: performance.now() - started,
  };
  process.stdout.write(`${JSON.stringify(result)}\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  /** @type {RunOptions} */
  const options = JSON.parse(process.argv[2] ?? '{}');
  if (options.listens) {
    process.once('SIGTERM', () => {});
    await run(options).catch((error) =>
      process.stdout.write(`${JSON.stringify({ error: error.message, code: error.code })}\n`),
    );
  } else {
    await run(options);
  }
}
