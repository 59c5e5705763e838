import {
  compile,
  concat,
  data,
  type FitOptions,
  grad,
  nn,
  optim,
  type Tensor,
  Trainer,
  type TrainerOptions,
} from 'chainrule';
import { hashIntegers, hashUniform } from '../random-graph/random.js';
import { collect, parametersOf } from '../training.js';

export type Inputs = { readonly user: Tensor; readonly item: Tensor; readonly price: Tensor };
export type Outputs = { readonly rating: Tensor; readonly click: Tensor };
export type Options = TrainerOptions<Outputs>;

const [USERS, ITEMS] = [5, 4];

/** A model with three inputs and two outputs, in float64, so that the order of sums cannot be seen. */
export class Recommender extends nn.Module<Inputs, Outputs> {
  users = new nn.Embedding(USERS, 3, { dtype: 'float64' });
  items = new nn.Embedding(ITEMS, 3, { dtype: 'float64' });
  head = new nn.Linear(7, 4, { dtype: 'float64' });

  forward({ user, item, price }: Inputs): Outputs {
    const parts = [this.users.forward(user), this.items.forward(item), price.to('float64').unsqueeze(-1)];
    const outputs = this.head.forward(concat(parts, -1).tanh());
    return { rating: outputs.slice([[], [0, 1]]).squeeze(-1), click: outputs.slice([[], [1, 4]]) };
  }
}

export const ROWS = 11;
export const rows = [...Array(ROWS).keys()];
export const inputs = {
  user: Int32Array.from(hashIntegers(ROWS, 1, USERS)),
  item: Int32Array.from(hashIntegers(ROWS, 2, ITEMS)),
  price: Float64Array.from(hashUniform(ROWS, 3, -1, 1)),
};
/** Ratings, and clicks of three classes, of which -1 are unknown: all of rows 8 to 10, the last batch of four. */
export const targets = {
  rating: Float64Array.from(hashUniform(ROWS, 4, -1, 1)),
  click: Int32Array.of(2, 0, -1, 1, 1, 0, -1, 2, -1, -1, -1),
};
export const samples = (options: data.FromArraysOptions = {}) => data.fromArrays(inputs, targets, options);
export type Samples = ReturnType<typeof samples>;

export const clickLoss = nn.crossEntropy.with({ ignoreIndex: -1 });
export const losses = { rating: nn.mseLoss, click: clickLoss };

export const LR = 0.1;

interface Training extends Partial<Options> {
  readonly model?: Recommender;
  readonly data?: Samples | data.StreamDataset<Samples['loaded']['inputs'], Samples['loaded']['targets']>;
  readonly fit?: FitOptions;
}

/** A trainer of the model with both losses. */
export const trainerOf = ({ model = new Recommender(), ...options }: Omit<Training, 'fit' | 'data'> = {}) =>
  new Trainer(model, {
    loss: losses,
    optimizer: optim.sgd({ lr: LR }),
    workers: 1,
    shards: 1,
    seed: 3,
    ...options,
  });

/** Trains for two epochs in batches of four, in order. */
export async function train({ data: given = samples(), fit, ...options }: Training = {}) {
  const trainer = trainerOf(options);
  const results = await collect(trainer.fit(given, { batchSize: 4, epochs: 2, shuffle: false, ...fit }));
  return {
    trainer,
    results,
    losses: results.flatMap(({ stepLosses }) => [...stepLosses]),
    parameters: parametersOf(trainer.model),
  };
}

/** The loss of a batch, written out. */
export type WholeLoss = (output: Outputs, target: Outputs, weights: Tensor) => Tensor;

/**
 * Steps of plain gradient descent, each on the gradient of one function of a whole batch.
 *
 * @param batches the rows of each step
 */
export async function stepsByHand(
  loss: WholeLoss,
  batches: readonly (readonly number[])[],
  weights = rows.map(() => 1),
) {
  const model = new Recommender().init(3);
  const step = compile((input: Inputs, target: Outputs, weight: Tensor) => {
    const value = loss(model.forward(input), target, weight);
    return { value, gradients: grad(value, model.parameters()) };
  });
  const losses: number[] = [];
  for (const batch of batches) {
    const pick = <A extends Int32Array | Float64Array>(array: A) =>
      array.filter((_, i) => batch.includes(i)) as A;
    const { user, item, price } = inputs;
    const { value, gradients } = await step(
      { user: pick(user), item: pick(item), price: pick(price) },
      { rating: pick(targets.rating), click: pick(targets.click) },
      pick(Float64Array.from(weights)),
    );
    losses.push(Number((await value.data())[0]));
    for (const [i, { storage }] of [...model.parameters()].entries()) {
      const slope = await (gradients[i] as Tensor).data();
      storage.data.forEach((before, j) => {
        storage.data[j] = before - LR * Number(slope[j]);
      });
    }
  }
  return { losses, parameters: parametersOf(model) };
}

/** The batches of two epochs of four rows each. */
export const batchesOfFour = [...Array(2)].flatMap(() => [rows.slice(0, 4), rows.slice(4, 8), rows.slice(8)]);
