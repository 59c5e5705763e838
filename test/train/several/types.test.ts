import {
  compile,
  concat,
  data,
  nn,
  optim,
  type Tensor,
  Trainer,
  type TrainingModule,
  tensor,
} from 'chainrule';
import { describe, expectTypeOf, it } from 'vitest';

// What the compiler says of these programs; each is refused where a comment expects an error.

interface Inputs {
  user: Tensor;
  item: Tensor;
}
interface Outputs {
  rating: Tensor;
  click: Tensor;
}
class Recommender extends nn.Module<Inputs, Outputs> {
  fc = new nn.Linear(2, 1);
  forward({ user, item }: Inputs): Outputs {
    const rating = this.fc.forward(concat([user, item], -1));
    return { rating, click: rating.neg() };
  }
}
class Pair extends nn.Module<[Tensor, Tensor], [Tensor, Tensor]> {
  fc = new nn.Linear(1, 1);
  forward(a: Tensor, b: Tensor): [Tensor, Tensor] {
    return [this.fc.forward(a), b];
  }
}
class Masked extends nn.Module<{ x: Tensor; mask?: Tensor }> {
  fc = new nn.Linear(1, 1);
  forward({ x, mask }: { x: Tensor; mask?: Tensor }): Tensor {
    const output = this.fc.forward(x);
    return mask ? output.mul(mask) : output;
  }
}
class Plain extends nn.Module {
  fc = new nn.Linear(1, 1);
  forward(x: Tensor): Tensor {
    return this.fc.forward(x);
  }
}

const optimizer = () => optim.sgd({ lr: 0.1 });
const one = [[1], [2]];
const both = { rating: nn.mseLoss, click: nn.binaryCrossEntropyWithLogits };

describe('a trainer of a model with several inputs and outputs', () => {
  it('predicts what the model gives, for what it takes', async () => {
    const trainer = new Trainer(new Recommender(), { loss: both, optimizer: optimizer(), workers: 1 });
    expectTypeOf(trainer).toEqualTypeOf<Trainer<Recommender>>();
    expectTypeOf(await trainer.predict({ user: one, item: tensor(one) })).toEqualTypeOf<Outputs>();
    // @ts-expect-error item is missing
    await trainer.predict({ user: one }).catch(() => {});
    // @ts-expect-error a record is one argument
    await trainer.predict(one, one).catch(() => {});
    const pair = new Trainer(new Pair(), {
      loss: [nn.mseLoss, nn.mseLoss],
      optimizer: optimizer(),
      workers: 1,
    });
    expectTypeOf(await pair.predict(one, one)).toEqualTypeOf<[Tensor, Tensor]>();
    // @ts-expect-error two inputs
    await pair.predict(one).catch(() => {});
    const masked = new Trainer(new Masked(), { loss: nn.mseLoss, optimizer: optimizer(), workers: 1 });
    expectTypeOf(await masked.predict({ x: one })).toEqualTypeOf<Tensor>();
    expectTypeOf(await masked.predict({ x: one, mask: one })).toEqualTypeOf<Tensor>();
  });

  it('has losses, factors and metrics of its outputs alone', () => {
    const make = (options: Partial<ConstructorParameters<typeof Trainer<Recommender>>[1]>) =>
      new Trainer(new Recommender(), { loss: both, optimizer: optimizer(), ...options });
    make({ loss: { rating: nn.mseLoss }, lossWeights: { rating: 2 } });
    make({ loss: (output, target) => nn.mseLoss(output.rating, target.click) });
    make({ metrics: { rating: { mae: nn.meanAbsoluteError }, all: (output) => output.rating.mean() } });
    // @ts-expect-error no such output
    make({ loss: { stars: nn.mseLoss } });
    // @ts-expect-error no such output, and so no such factor
    expectThrows(() => make({ lossWeights: { stars: 1 } }));
    // @ts-expect-error a loss of one output
    make({ loss: nn.mseLoss });
    // @ts-expect-error no such output
    make({ loss: (output) => output.stars });
    const targets = {
      loss: (output: Outputs, target: { stars: Tensor }) => nn.mseLoss(output.rating, target.stars),
    };
    expectTypeOf(new Trainer(new Recommender(), { ...targets, optimizer: optimizer() })).toEqualTypeOf<
      Trainer<Recommender, { stars: Tensor }>
    >();
  });

  it('is as before for a model of one input and output', async () => {
    const trainer = new Trainer(new Plain(), { loss: nn.mseLoss, optimizer: optimizer(), workers: 1 });
    expectTypeOf(await trainer.predict(one)).toEqualTypeOf<Tensor>();
    expectTypeOf(trainer.model).toEqualTypeOf<Plain>();
    const any: Trainer = trainer;
    expectTypeOf(any.model).toEqualTypeOf<nn.Module>();
    const loss: nn.Loss = (output, target) => output.sub(target).square().mean();
    new Trainer(new Plain(), {
      loss,
      optimizer: optimizer(),
      metrics: { mae: nn.meanAbsoluteError, loss2: loss },
    });
    expectThrows(
      () =>
        // @ts-expect-error there are no factors of one loss
        new Trainer(new Plain(), { loss, optimizer: optimizer(), lossWeights: { rating: 1 } }),
    );
    const plain = data.fromArrays(one, [0, 1]);
    expectTypeOf(plain).toEqualTypeOf<data.Dataset>();
    expectTypeOf(plain.inputs).toEqualTypeOf<data.Field>();
    expectTypeOf(compile((x) => x.relu()))
      .parameter(0)
      .toEqualTypeOf<Parameters<typeof tensor>[0] | Tensor>();
  });

  it('may be described by a training module', () => {
    const module = {
      model: () => new Recommender(),
      loss: { rating: nn.mseLoss },
      lossWeights: { rating: 0.5 },
      optimizer,
      data: () => data.fromArrays({ user: one, item: one }, { rating: [1, 2] }),
    } satisfies TrainingModule<Recommender>;
    expectTypeOf(module.model()).toEqualTypeOf<Recommender>();
    // @ts-expect-error no such output
    ({ ...module, loss: { stars: nn.mseLoss } }) satisfies TrainingModule<Recommender>;
  });
});

describe('a model', () => {
  it('takes and gives tensors, as it says', () => {
    // @ts-expect-error a number is no tensor
    abstractModule<nn.Module<{ user: number }>>();
    // @ts-expect-error nor is a record of them
    abstractModule<nn.Module<{ user: { a: Tensor } }>>();
    abstractModule<nn.Module<{ x: Tensor; mask?: Tensor }>>();
    abstractModule<nn.Module<readonly [Tensor, Tensor]>>();
    expectTypeOf<Recommender>().toExtend<nn.AnyModule>();
    expectTypeOf<Plain>().toExtend<nn.Module>();
    expectTypeOf<Recommender>().not.toExtend<nn.Module>();
    expectTypeOf<nn.ForwardArguments<Inputs>>().toEqualTypeOf<[inputs: Inputs]>();
    expectTypeOf<nn.ForwardArguments<[Tensor, Tensor]>>().toEqualTypeOf<[Tensor, Tensor]>();
    expectTypeOf(new Recommender().namedChildren()).toEqualTypeOf<[string, nn.AnyModule][]>();
  });
});

describe('data', () => {
  it('have the form of what they are made from', () => {
    const set = data.fromArrays({ user: one, item: new Float32Array(2) }, { rating: [1, 2] });
    expectTypeOf(set.inputs).toEqualTypeOf<{ readonly user: data.Field; readonly item: data.Field }>();
    expectTypeOf(set.targets).toEqualTypeOf<{ readonly rating: data.Field }>();
    for (const batch of data.batches(set)) {
      expectTypeOf(batch.inputs.item).toEqualTypeOf<data.Batch['inputs']>();
      expectTypeOf(batch.targets.rating).toEqualTypeOf<data.Batch['inputs']>();
    }
    const field = { data: new Float32Array(2), shape: [2, 1] };
    expectTypeOf(data.fromArrays(field, [1, 2])).toEqualTypeOf<data.Dataset>();
    expectTypeOf(data.fromArrays([field, field] as const, [1, 2]).inputs).toEqualTypeOf<
      readonly [data.Field, data.Field]
    >();
    expectTypeOf(
      data.fromArrays([new Float32Array(2), new Float32Array(2)], [1, 2]).inputs,
    ).toEqualTypeOf<data.Field>();
    const listed = data.fromArrays([new Float32Array(2), new Float32Array(2)], [1, 2], { inputs: [{}, {}] });
    expectTypeOf(listed.inputs).toEqualTypeOf<readonly data.Field[]>();
    expectTypeOf(listed.targets).toEqualTypeOf<data.Field>();
    expectTypeOf(set.take(1)).toEqualTypeOf<typeof set>();
    expectTypeOf(set.transform({ user: [] })).toEqualTypeOf<typeof set>();
  });

  it('that are streamed or in files, too', () => {
    type Form = data.StreamDataset['inputs'];
    const open = () => [];
    expectTypeOf(data.stream(open, { inputs: { shape: [1] } })).toEqualTypeOf<data.StreamDataset>();
    const stream = data.stream(open, {
      inputs: { user: { shape: [1] } },
      targets: { rating: { dtype: 'float32' } },
    });
    expectTypeOf(stream.inputs).toEqualTypeOf<{ readonly user: Form }>();
    expectTypeOf(stream.targets).toEqualTypeOf<{ readonly rating: Form }>();
    const mapped = () => data.mapSafetensors('x', { inputs: { user: 'users' }, targets: ['a', 'b'] });
    expectTypeOf<Awaited<ReturnType<typeof mapped>>['inputs']>().toEqualTypeOf<{
      readonly user: data.Field;
    }>();
    expectTypeOf<Awaited<ReturnType<typeof mapped>>['targets']>().toEqualTypeOf<readonly data.Field[]>();
  });
});

describe('a compiled function', () => {
  it('takes records and gives what the function gives', async () => {
    const model = new Recommender().init(1).eval();
    const forward = compile((inputs: Inputs) => model.forward(inputs), { inference: true });
    expectTypeOf(await forward({ user: one, item: one })).toEqualTypeOf<Outputs>();
    const mixed = compile((x: Tensor, { b }: { b: Tensor }) => ({ sum: x.add(b) }));
    expectTypeOf(await mixed([1], { b: 2 })).toEqualTypeOf<{ sum: Tensor }>();
    // @ts-expect-error b is missing
    await mixed([1], {}).catch(() => {});
    // @ts-expect-error a number is no tensor
    const wrong = compile((x: number) => tensor(x));
    expectTypeOf(wrong).not.toBeAny();
  });
});

function abstractModule<M>(): M | undefined {
  return undefined;
}

function expectThrows(fn: () => unknown): void {
  try {
    fn();
  } catch {
    return;
  }
  throw new Error('it must throw');
}
