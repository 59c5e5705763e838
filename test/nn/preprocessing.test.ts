import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { data, io, nn, optim, type Tensor, Trainer, tensor } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { useFolder } from '../helpers/folder.js';
import { failure } from '../helpers/graphs.js';
import { collect } from '../helpers/training.js';

const folder = useFolder();
const bytes = Uint8Array.from({ length: 5 * 4 * 4 * 3 }, (_, i) => (i * 37) % 256);
const normalize = data.normalize({ mean: [0.4, 0.5, 0.6], std: [0.2, 0.25, 0.3], divisor: 255 });

class Net extends nn.Module {
  readonly conv = new nn.Conv2d(3, 2, 3, { padding: 1 });
  readonly fc = new nn.Linear(32, 2);
  forward(x: Tensor): Tensor {
    return this.fc.forward(nn.flatten(this.conv.forward(x).relu(), 1));
  }
}

const trainerOf = (model: nn.Module) =>
  new Trainer(model, { loss: nn.crossEntropy, optimizer: optim.sgd({ lr: 0.1 }), workers: 1, shards: 1 });
const valuesOf = async (x: Tensor) => [...(await x.data())];

describe('the preprocessing of a model', () => {
  it('is applied by predict, with the bits of the transform of a data set', async () => {
    const model = new Net().init(1);
    const trainer = trainerOf(model);
    const images = tensor(bytes, { shape: [5, 4, 4, 3] });
    const raw = await valuesOf(await trainer.predict(images));
    model.preprocessing = [normalize];
    const found = await valuesOf(await trainer.predict(images));
    const samples = data
      .fromArrays(bytes, Int32Array.from([0, 1, 0, 1, 0]), { inputs: { shape: [4, 4, 3] } })
      .transform(model.preprocessing);
    const [batch] = data.batches(samples, { batchSize: 5 });
    delete model.preprocessing;
    const { data: values, shape } = (batch as data.Batch).inputs;
    expect(found).toEqual(await valuesOf(await trainer.predict(tensor(values, { shape }))));
    expect(found).not.toEqual(raw);
    // Bytes as floats are read alike.
    model.preprocessing = [normalize];
    const floats = tensor(Float32Array.from(bytes), { shape: [5, 4, 4, 3] });
    expect(await valuesOf(await trainer.predict(floats))).toEqual(found);
  });

  it('is saved with the model, in checkpoints as well, and restored by load', async () => {
    const model = new Net().init(1);
    model.preprocessing = [normalize];
    const path = join(folder(), 'net.safetensors');
    await model.save(path, { metadata: { made: 'today' } });
    const other = new Net();
    await other.load(path);
    expect(other.preprocessing).toEqual([normalize]);
    expect((await io.readSafetensors(path)).metadata.made).toBe('today');
    const third = new Net();
    await third.load(new Uint8Array(await readFile(path)));
    expect(third.preprocessing).toEqual([normalize]);

    const samples = data.fromArrays(bytes, [0, 1, 0, 1, 0], { inputs: { shape: [4, 4, 3] } });
    const dir = join(folder(), 'run');
    await collect(trainerOf(model).fit(samples, { checkpoint: { dir } }));
    const resumed = new Net();
    await resumed.load(
      join(dir, (await readdir(dir)).find((name) => name.endsWith('.safetensors')) as string),
    );
    expect(resumed.preprocessing).toEqual([normalize]);
  });

  it('of several inputs is a record', async () => {
    class Pair extends nn.Module<{ image: Tensor; age: Tensor }> {
      readonly fc = new nn.Linear(4, 1);
      forward({ image, age }: { image: Tensor; age: Tensor }): Tensor {
        return this.fc.forward(image).add(age.unsqueeze(-1));
      }
    }
    const model = new Pair().init(1);
    const trainer = new Trainer(model, { loss: nn.mseLoss, optimizer: optim.sgd({ lr: 0.1 }) });
    const image = [[1, 2, 3, 4]];
    const plain = await (await trainer.predict({ image, age: [40] })).item();
    model.preprocessing = { age: [data.normalize({ mean: 40, std: 10, divisor: 1 })] };
    expect(await (await trainer.predict({ image, age: [40] })).item()).toBeCloseTo(plain - 40, 5);
    model.preprocessing = { agee: [normalize] };
    expect(await failure(trainer.predict({ image, age: [40] }))).toMatchObject({
      message:
        'predict: unknown input preprocessing.agee; did you mean preprocessing.age? (the inputs are image, age)',
    });
    model.preprocessing = [normalize];
    expect(await failure(trainer.predict({ image, age: [40] }))).toMatchObject({
      message: expect.stringContaining('preprocessing of several inputs must be a record by input'),
    });
  });

  const bad = (value: unknown) => value as nn.Preprocessing;
  it.each([
    [
      'a random transform',
      [data.noise({ std: 1 })],
      'preprocessing[0] must be data.normalize(...), as random transforms are for training, got noise',
    ],
    [
      'no divisor',
      [data.normalize({ mean: 0, std: 1 })],
      'preprocessing[0].divisor must be a positive number, so that bytes and floats are read alike, got null',
    ],
    [
      'a text',
      'normalize',
      'preprocessing must be an array of data.normalize({ mean, std, divisor }) or a record of such arrays by input, got normalize',
    ],
    [
      'other lengths',
      [{ ...normalize, std: [1] }],
      'preprocessing[0] must have as many means as deviations, got 3 and 1',
    ],
    [
      'a bad list of an input',
      { image: [normalize, 5] },
      'preprocessing.image must be an array of data.normalize({ mean, std, divisor }), got [an object,5]',
    ],
  ])('is refused: %s', async (_, value, message) => {
    const model = new Net();
    model.preprocessing = bad(value);
    const path = join(folder(), 'bad.safetensors');
    expect((await failure(model.save(path))).message).toBe(`save: ${message}`);
    expect((await failure(trainerOf(model).predict(tensor(bytes, { shape: [5, 4, 4, 3] })))).message).toBe(
      `predict: ${message}`,
    );
  });

  it('is refused for another number of channels', async () => {
    const model = new nn.Linear(4, 1);
    model.preprocessing = [normalize];
    expect((await failure(trainerOf(model).predict([[1, 2, 3, 4]]))).message).toBe(
      'predict: preprocessing has 3 channels, so the last axis of the input must too, got [1,4]',
    );
  });

  it('in a file is checked before anything is loaded', async () => {
    const path = join(folder(), 'hostile.safetensors');
    const model = new nn.Linear(2, 1).init(1);
    const before = await valuesOf(model.weight);
    for (const [text, message] of [
      ['{', /its chainrule.preprocessing must be JSON/],
      [
        '[{"kind":"normalize","mean":[0],"std":[0],"divisor":1}]',
        /its chainrule.preprocessing\[0\].std must be an array of positive numbers/,
      ],
      ['{"__proto__":[5]}', /its chainrule.preprocessing/],
    ] as const) {
      const tensors = {
        weight: { dtype: 'float32', shape: [1, 2], data: Float32Array.of(7, 7) },
        bias: { dtype: 'float32', shape: [1], data: Float32Array.of(7) },
      } as const;
      await io.writeSafetensors(path, tensors, { 'chainrule.preprocessing': text });
      const error = await failure(model.load(path));
      expect(error.message).toMatch(message);
      expect(error.message).toContain('hostile.safetensors');
      expect(await valuesOf(model.weight)).toEqual(before);
      expect(model.preprocessing).toBeUndefined();
    }
    expect((await failure(model.save(path, { metadata: { 'chainrule.preprocessing': 'x' } }))).message).toBe(
      'save: metadata must not have chainrule.preprocessing, which save writes itself, got x',
    );
  });
});
