import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compile, data, nn, optim, type Tensor, Trainer, tensor } from '../../../lib/index.js';
import type { Choices } from './requests.js';
import type { SoakSizes } from './sizes.js';

const FEATURES = 8;
const CLASSES = 3;
const SAMPLES = 96;

const classifier = () =>
  new nn.Sequential(new nn.Linear(FEATURES, 64), new nn.ReLU(), new nn.Linear(64, CLASSES));

/** Reads a sequence, and classifies it by its last output. */
class Reader extends nn.Module {
  readonly lstm = new nn.LSTM(FEATURES, 16);
  readonly head = new nn.Linear(16, CLASSES);

  forward(x: Tensor): Tensor {
    const [rows = 0, length = 0] = x.shape;
    const last = this.lstm.forward(x).slice([
      [0, rows],
      [length - 1, length],
    ]);
    return this.head.forward(last.reshape([rows, 16]));
  }
}

/** A service as it may run for weeks: it answers requests of any size, trains two models, and swaps in new weights. */
export class SoakService {
  readonly #folder = mkdtempSync(join(tmpdir(), 'chainrule-soak-'));
  readonly #classify = classifier().init(1);
  readonly #read = new Reader().init(1);
  readonly #trainers = [1, 2].map((seed) => trainerOf(seed));
  readonly #functions = [
    compile((x: Tensor) => this.#classify.forward(x)),
    compile((x: Tensor) => this.#read.forward(x)),
  ] as const;
  readonly #shapes = new Set<string>();
  #fits = 0;

  constructor(
    private readonly sizes: SoakSizes,
    private readonly choices: Choices,
  ) {
    this.#classify.eval();
    this.#read.eval();
  }

  /** Bytes of plans and arenas. */
  get heldBytes(): number {
    return this.#functions.reduce((sum, { heldBytes }) => sum + heldBytes, 0);
  }

  /** The number of shapes that have come. */
  get shapes(): number {
    return this.#shapes.size;
  }

  /** Answers a request of a random size: a batch for the served classifier or one of the trained, or sequences. */
  async answer(): Promise<void> {
    const { mostRows, longest } = this.sizes;
    const which = this.choices.next();
    const [shape, predict] = ((): [number[], (x: Tensor) => Promise<Tensor>] => {
      if (which < 0.2)
        return [[this.choices.upTo(4), this.choices.upTo(longest), FEATURES], this.#functions[1]];
      if (which < 0.9) return [[this.choices.upTo(mostRows), FEATURES], this.#functions[0]];
      const trainer = this.#trainer;
      return [[this.choices.upTo(SAMPLES), FEATURES], (x) => trainer.predict(x)];
    })();
    this.#shapes.add(shape.join());
    const size = shape.reduce((product, length) => product * length, 1);
    const answer = await predict(tensor(this.choices.values(size), { shape }));
    const values = await answer.data();
    if (!values.every(Number.isFinite)) throw new Error(`soak: an answer to [${shape}] is not finite`);
  }

  /** Trains one of the models for an epoch on two threads. */
  async fit(): Promise<void> {
    const trainer = this.#trainer;
    this.#fits++;
    const batchSize = 8 * this.choices.upTo(4);
    for await (const _ of trainer.fit(samples(this.choices), { batchSize }));
  }

  /** Puts the weights of a trained model into the one that is served, by way of a file. */
  async swap(): Promise<void> {
    const path = join(this.#folder, `weights-${this.#fits % 2}.safetensors`);
    await this.#trainer.model.save(path);
    await this.#classify.load(path);
  }

  /** Gives everything back. The service may go on. */
  async release(): Promise<void> {
    for (const owner of [...this.#functions, ...this.#trainers]) owner.release();
    // Released once the queued calls are done.
    await Promise.all(this.#functions.map((predict, i) => predict(this.#smallest(i))));
    for (const predict of this.#functions) predict.release();
    await new Promise(setImmediate);
    rmSync(this.#folder, { recursive: true });
  }

  #smallest(which: number): Tensor {
    return tensor(new Float32Array(FEATURES), { shape: which === 0 ? [1, FEATURES] : [1, 1, FEATURES] });
  }

  get #trainer(): Trainer {
    return this.#trainers[this.#fits % this.#trainers.length] as Trainer;
  }
}

function trainerOf(seed: number): Trainer {
  return new Trainer(classifier(), {
    loss: nn.crossEntropy,
    optimizer: optim.adam({ lr: 0.01 }),
    workers: 2,
    shards: 2,
    seed,
  });
}

function samples(choices: Choices): data.Dataset {
  const inputs = choices.values(SAMPLES * FEATURES);
  const targets = Int32Array.from({ length: SAMPLES }, () => choices.upTo(CLASSES) - 1);
  return data.fromArrays({ data: inputs, shape: [SAMPLES, FEATURES] }, targets);
}
