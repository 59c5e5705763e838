import { createHash } from 'node:crypto';
import type { Worker } from 'node:worker_threads';
import { nn, type optim, Trainer, type TrainerOptions } from 'chainrule';

/** The SHA-256 of all parameters and buffers of a model. */
export function hashOf(model: nn.AnyModule): string {
  const hash = createHash('sha256');
  for (const [, { storage }] of [...model.namedParameters(), ...model.namedBuffers()])
    hash.update(new Uint8Array(storage.data.slice().buffer));
  return hash.digest('hex');
}

/** A classifier of 6 x 6 images of two channels, with batch norm and dropout. */
export const convolutional = () =>
  new nn.Sequential(
    new nn.Conv2d(2, 6, 3, { padding: 1 }),
    new nn.BatchNorm2d(6),
    new nn.ReLU(),
    new nn.Flatten(),
    new nn.Dropout(0.3),
    new nn.Linear(6 * 36, 5),
  );

/** A classifier of `points`, with batch norm and dropout. */
export const normalised = (features = 6, hidden = 24) =>
  new nn.Sequential(
    new nn.Linear(features, hidden),
    new nn.BatchNorm1d(hidden),
    new nn.Tanh(),
    new nn.Dropout(0.1),
    new nn.Linear(hidden, 3),
  );

/** A classifier of `points`, with a weight whose gradient the update computes. */
export const wide = () =>
  new nn.Sequential(
    new nn.Linear(6, 300),
    new nn.Tanh(),
    new nn.Linear(300, 320),
    new nn.Tanh(),
    new nn.Linear(320, 3),
  );

export const trainerOf = (
  optimizer: optim.Optimizer,
  options: Partial<TrainerOptions> = {},
  model: nn.Module = normalised(),
) => new Trainer(model, { loss: nn.crossEntropy, optimizer, shards: 4, seed: 2, ...options });

/** The threads of this process that live, and the number that were started, until it is closed. */
export class Threads {
  readonly alive = new Set<Worker>();
  started = 0;
  readonly #note = (worker: Worker) => {
    this.started++;
    this.alive.add(worker);
    worker.once('exit', () => this.alive.delete(worker));
  };

  constructor() {
    process.on('worker', this.#note);
  }

  close(): void {
    process.off('worker', this.#note);
  }
}

/** Says, in the output of the tests, how long something took. */
export function tellTime(what: string, since: number): void {
  console.info(`${what}: ${Math.round(performance.now() - since)} ms`);
}
