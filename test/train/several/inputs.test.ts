import { compile, concat, data, nn, optim, type Tensor, Trainer, tensor } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { bitsOf } from '../../helpers/checkpointed.js';
import { expectClose } from '../../helpers/close.js';
import { inputs as ofRecommender, Recommender } from '../../helpers/models/recommender.js';
import { hashOf } from '../../helpers/runs.js';
import { collect, noise } from '../../helpers/training.js';

const ROWS = 22;
const [LEFT, RIGHT] = [3, 2];
const labels = Int32Array.from({ length: ROWS }, (_, i) => (i * 7) % 3);
const left = noise(ROWS * LEFT, 1);
const right = noise(ROWS * RIGHT, 2);
const joined = Float32Array.from({ length: ROWS * (LEFT + RIGHT) }, (_, i) => {
  const [row, column] = [Math.floor(i / (LEFT + RIGHT)), i % (LEFT + RIGHT)];
  return (column < LEFT ? left[row * LEFT + column] : right[row * RIGHT + column - LEFT]) as number;
});

/** A classifier of five numbers, with dropout. */
class Whole extends nn.Module {
  first = new nn.Linear(LEFT + RIGHT, 16);
  drop = new nn.Dropout(0.2);
  last = new nn.Linear(16, 3);
  forward(x: Tensor): Tensor {
    return this.last.forward(this.drop.forward(this.first.forward(x).tanh()));
  }
}
/** The same of two inputs in a record. */
class OfRecord extends nn.Module<{ left: Tensor; right: Tensor }> {
  readonly #whole = new Whole();
  first = this.#whole.first;
  drop = this.#whole.drop;
  last = this.#whole.last;
  forward({ left, right }: { left: Tensor; right: Tensor }): Tensor {
    return this.#whole.forward(concat([left, right], -1));
  }
}
/** The same of two inputs in a list. */
class OfList extends nn.Module<[Tensor, Tensor]> {
  readonly #whole = new Whole();
  first = this.#whole.first;
  drop = this.#whole.drop;
  last = this.#whole.last;
  forward(left: Tensor, right: Tensor): Tensor {
    return this.#whole.forward(concat([left, right], -1));
  }
}

const field = (array: Float32Array, width: number) => ({ data: array, shape: [array.length / width, width] });
const record = data.fromArrays({ left: field(left, LEFT), right: field(right, RIGHT) }, labels);
const list = data.fromArrays([field(left, LEFT), field(right, RIGHT)], labels);
const whole = data.fromArrays(field(joined, LEFT + RIGHT), labels);

async function run<M extends nn.AnyModule>(
  model: M,
  samples: data.AnyDataset,
  { shards = 1, workers = 1, epochs = 3 } = {},
) {
  const optimizer = optim.adamW({ lr: 0.05 });
  const options = { loss: nn.crossEntropy, optimizer, shards, workers, seed: 5 };
  const trainer = new Trainer<nn.AnyModule>(model, options as ConstructorParameters<typeof Trainer>[1]);
  const epochsRun = await collect(trainer.fit(samples, { batchSize: 8, epochs, validation: samples }));
  return {
    trainer,
    bits: hashOf(model),
    figures: epochsRun.map(({ loss, validation, stepLosses }) => ({ loss, validation, stepLosses })),
  };
}

describe('a model of two inputs', () => {
  it.each([
    { shards: 1, workers: 1 },
    { shards: 3, workers: 2 },
    { shards: 8, workers: 2 },
  ])('learns the same bits as that of the joined tensor, in %o', async (cut) => {
    const expected = await run(new Whole(), whole, cut);
    for (const [model, samples] of [
      [new OfRecord(), record],
      [new OfList(), list],
    ] as const) {
      const { bits, figures } = await run(model, samples, cut);
      expect(bits).toBe(expected.bits);
      expect(figures).toEqual(expected.figures);
    }
  });

  it('evaluates, predicts and is compiled to the same bits', async () => {
    const options = { loss: nn.crossEntropy, optimizer: optim.sgd({ lr: 1 }), workers: 1, seed: 5 };
    const one = new Trainer(new Whole(), options);
    const record2 = new Trainer(new OfRecord(), options);
    const list2 = new Trainer(new OfList(), options);
    for (const batchSize of [1, 7, 64]) {
      const expected = await one.evaluate(whole, { batchSize });
      expect(await record2.evaluate(record, { batchSize })).toEqual(expected);
      expect(await list2.evaluate(list, { batchSize })).toEqual(expected);
    }
    const [a, b] = [tensor(left, { shape: [ROWS, LEFT] }), tensor(right, { shape: [ROWS, RIGHT] })];
    const output = await one.predict(tensor(joined, { shape: [ROWS, LEFT + RIGHT] }));
    const [bits] = await bitsOf([output]);
    one.model.eval();
    record2.model.eval();
    list2.model.eval();
    const ofRecord = (inputs: { left: Tensor; right: Tensor }) => record2.model.forward(inputs);
    const ofList = (...inputs: [Tensor, Tensor]) => list2.model.forward(...inputs);
    const outputs = [
      record2.predict({ left: a, right: b }),
      record2.predict({ right: b, left: a }),
      list2.predict(a, b),
      compile(ofRecord)({ left: a, right: b }),
      compile(ofRecord, { inference: true })({ left: a, right: b }),
      compile(ofList)(a, b),
    ];
    expect(await bitsOf(await Promise.all(outputs))).toEqual(outputs.map(() => bits));
  });

  it('takes arrays of numbers as well, and gives a record of tensors', async () => {
    const trainer = new Trainer(new Recommender(), {
      loss: { rating: nn.mseLoss },
      optimizer: optim.sgd({ lr: 1 }),
      workers: 1,
    });
    const { user, item, price } = ofRecommender;
    const expected = await trainer.predict({ user, item, price });
    const found = await trainer.predict({
      user: tensor(user),
      item,
      price: tensor([...price], { dtype: 'float64' }),
    });
    expect(Object.keys(found)).toEqual(['rating', 'click']);
    expect(await bitsOf([found.rating, found.click])).toEqual(
      await bitsOf([expected.rating, expected.click]),
    );
    // Another number of rows makes another plan, and so does another dtype.
    const two = await trainer.predict({
      user: user.slice(0, 2),
      item: item.slice(0, 2),
      price: [...price.slice(0, 2)],
    });
    expect(two.click.shape).toEqual([2, 3]);
    const near = [...(await two.rating.data())];
    const [first = 0, second = 0] = await expected.rating.data();
    expect(near[0]).toBeCloseTo(Number(first), 6);
    expect(near[1]).toBeCloseTo(Number(second), 6);
  });
});

describe('the inputs of a model', () => {
  /** Tells the dtypes of its inputs. */
  class Telling extends nn.Module<Record<string, Tensor>> {
    fc = new nn.Linear(1, 1);
    readonly #seen: string[];
    constructor(seen: string[]) {
      super();
      this.#seen = seen;
    }
    forward(inputs: Record<string, Tensor>): Tensor {
      this.#seen.push(
        Object.entries(inputs)
          .map(([name, { dtype }]) => `${name} ${dtype}`)
          .join(),
      );
      const all = Object.values(inputs).map((x) => x.to('float32').reshape([-1, 1]));
      return this.fc.forward(all.reduce((sum, x) => sum.add(x)));
    }
  }

  it('are bytes as float32, integers and floats as they are, and masks of truth values', async () => {
    const columns = {
      byte: Uint8Array.of(1, 2, 255),
      id: Int32Array.of(1, 2, 3),
      mask: Uint8Array.of(0, 1, 1),
      x: Float64Array.of(1, 2, 3),
    };
    const samples = data.fromArrays(columns, [0, 0, 0], {
      inputs: { mask: { dtype: 'bool' } },
      targets: { shape: [1], dtype: 'float32' },
    });
    const seen: string[] = [];
    const trainer = new Trainer(new Telling(seen), {
      loss: nn.mseLoss,
      optimizer: optim.sgd({ lr: 0 }),
      workers: 1,
    });
    await collect(trainer.fit(samples));
    await trainer.evaluate(samples);
    const { inputs } = [...data.batches(samples)][0] ?? {};
    const of = Object.fromEntries(
      Object.entries(inputs ?? {}).map(([name, { data: values, shape, dtype }]) => [
        name,
        tensor(values, { shape, dtype }),
      ]),
    );
    const output = await trainer.predict(of);
    expect(new Set(seen)).toEqual(new Set(['byte float32,id int32,mask bool,x float64']));
    const loss = [...(await output.data())].reduce((sum, y) => sum + y * y, 0) / 3;
    expectClose('loss', [(await trainer.evaluate(samples)).loss ?? 0], [loss], { relative: 1e-6 });
  });

  it('may have names that are numbers, hold dots, or are those of fields', async () => {
    const names = [
      '1',
      '0',
      'a.b',
      'x[0]',
      '',
      'data',
      'shape',
      'dtype',
      'mapped',
      'constructor',
      '__proto__',
      'toString',
    ];
    const columns = Object.fromEntries(names.map((name, i) => [name, [i, 2 * i, 3 * i]]));
    const samples = data.fromArrays(
      columns,
      { constructor: [0, 0, 0] },
      { targets: { constructor: { dtype: 'float32', shape: [1] } } },
    );
    class Named extends nn.Module<Record<string, Tensor>, Record<string, Tensor>> {
      fc = new nn.Linear(1, 1, { bias: false });
      forward(inputs: Record<string, Tensor>): Record<string, Tensor> {
        const { 1: one, 'a.b': dotted, ...others } = inputs;
        const all = [one as Tensor, dotted as Tensor, ...Object.values(others)];
        const sum = all.reduce((total, x) => total.add(x)).reshape([-1, 1]);
        return { constructor: this.fc.forward(sum), 'a.b': sum };
      }
    }
    const trainer = new Trainer(new Named(), {
      loss: { constructor: nn.mseLoss },
      optimizer: optim.sgd({ lr: 0 }),
      workers: 1,
    });
    await collect(trainer.fit(samples, { validation: samples }));
    const output = await trainer.predict(columns);
    // The sum of the numbers of all names.
    const sums = names.reduce((total, _, i) => total + i, 0);
    expect([...(await (output['a.b'] as Tensor).data())]).toEqual([sums, 2 * sums, 3 * sums]);
    expect(Object.keys(await trainer.evaluate(samples))).toEqual(['loss', 'constructor.loss']);
  });

  it('may be a list or a record of one', async () => {
    class Plain extends nn.Module {
      fc = new nn.Linear(LEFT, 3);
      forward(x: Tensor): Tensor {
        return this.fc.forward(x);
      }
    }
    class Listed extends nn.Module<[Tensor]> {
      fc = new nn.Linear(LEFT, 3);
      forward(x: Tensor): Tensor {
        return this.fc.forward(x);
      }
    }
    class Recorded extends nn.Module<{ x: Tensor }> {
      fc = new nn.Linear(LEFT, 3);
      forward({ x }: { x: Tensor }): Tensor {
        return this.fc.forward(x);
      }
    }
    const x = field(left, LEFT);
    const expected = await run(new Plain(), data.fromArrays(x, labels));
    expect((await run(new Listed(), data.fromArrays([x], labels))).bits).toBe(expected.bits);
    expect((await run(new Recorded(), data.fromArrays({ x }, labels))).bits).toBe(expected.bits);
  });
});
