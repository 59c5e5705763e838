import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nn, type Tensor } from 'chainrule';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeSafetensors } from '#lib/io/safetensors.js';
import { Nested } from '../helpers/nn.js';
import { describeRecordedLayers } from '../helpers/recorded.js';

const layers: Record<string, () => nn.Module> = {
  Linear: () => new nn.Linear(6, 4),
  'Linear on more axes': () => new nn.Linear(6, 4),
  'Linear without bias': () => new nn.Linear(5, 3, { bias: false }),
  Conv2d: () => new nn.Conv2d(3, 5, [3, 2], { stride: [2, 1], padding: [1, 0], dilation: [1, 2] }),
  'Conv2d without bias': () => new nn.Conv2d(2, 3, 3, { bias: false }),
  MaxPool2d: () => new nn.MaxPool2d(3, { stride: 2, padding: 1 }),
  AvgPool2d: () => new nn.AvgPool2d(2),
  Flatten: () => new nn.Flatten(),
  'Dropout in eval mode': () => new nn.Dropout(0.5).eval(),
  Sequential: () => new nn.Sequential(new nn.Linear(4, 6), new nn.Tanh(), new nn.Linear(6, 2)),
  ReLU: () => new nn.ReLU(),
  LeakyReLU: () => new nn.LeakyReLU(0.1),
  Sigmoid: () => new nn.Sigmoid(),
  Tanh: () => new nn.Tanh(),
  Softmax: () => new nn.Softmax(),
  LogSoftmax: () => new nn.LogSoftmax(),
};
describeRecordedLayers('layers', layers);

const paths = (model: nn.Module) => model.namedParameters().map(([path]) => path);
const valuesOf = (model: nn.Module) => model.parameters().map(({ storage }) => [...storage.data]);

describe('Module', () => {
  it('names parameters by their path through fields, arrays and Sequential', () => {
    expect(paths(new Nested())).toEqual([
      'first.weight',
      'blocks.0.fc.weight',
      'blocks.0.fc.bias',
      'blocks.1.fc.weight',
      'blocks.1.fc.bias',
      'tail.0.weight',
      'tail.0.bias',
      'tail.2.weight',
      'tail.2.bias',
      'scale',
    ]);
  });

  it('lists a parameter that two layers share once, under its first path', () => {
    class Tied extends nn.Module {
      a = new nn.Linear(2, 2, { bias: false });
      b = this.a;
      forward(x: Tensor): Tensor {
        return this.b.forward(this.a.forward(x));
      }
    }
    expect(paths(new Tied())).toEqual(['a.weight']);
  });

  it('sets the mode of everything in it', () => {
    const model = new nn.Sequential(new nn.Dropout(0.5), new nn.Sequential(new nn.Dropout(0.2)));
    const modes = () => [model.training, ...model.namedChildren().map(([, child]) => child.training)];
    expect(modes()).toEqual([true, true, true]);
    model.eval();
    expect(modes()).toEqual([false, false, false]);
    expect((model[1] as nn.Sequential)[0]?.training).toBe(false);
    model.train();
    expect((model[1] as nn.Sequential)[0]?.training).toBe(true);
  });
});

describe('save and load', () => {
  let directory = '';
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'chainrule-nn-'));
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  it('brings back every value, in a file of its own', async () => {
    const path = join(directory, 'round.safetensors');
    const saved = new Nested().init(5);
    await saved.save(path, { metadata: { note: 'test' } });
    const loaded = new Nested().init(6);
    expect(valuesOf(loaded)).not.toEqual(valuesOf(saved));
    expect(await loaded.load(path)).toEqual({ missing: [], unexpected: [], misshapen: [], hints: [] });
    expect(valuesOf(loaded)).toEqual(valuesOf(saved));
  });

  it('keeps float64, and loads into a model that has not drawn its values', async () => {
    const path = join(directory, 'double.safetensors');
    const saved = new nn.Linear(3, 2, { dtype: 'float64' }).init(1);
    await saved.save(path);
    const loaded = new nn.Linear(3, 2, { dtype: 'float64' });
    await loaded.load(path);
    expect(valuesOf(loaded)).toEqual(valuesOf(saved));
  });

  it('leaves no other file behind, and the old file when it cannot be written', async () => {
    const folder = await mkdtemp(join(directory, 'atomic-'));
    const path = join(folder, 'model.safetensors');
    await new nn.Linear(2, 2).init(1).save(path);
    await new nn.Linear(2, 2).init(2).save(path);
    expect(await readdir(folder)).toEqual(['model.safetensors']);
    const before = await readFile(path);
    const broken = { metadata: { note: 5 as unknown as string } };
    await expect(new nn.Linear(2, 2).init(3).save(path, broken)).rejects.toThrow();
    expect(await readdir(folder)).toEqual(['model.safetensors']);
    expect(await readFile(path)).toEqual(before);
  });

  const weight = { dtype: 'float32' as const, shape: [2, 3], data: new Float32Array(6) };
  const bias = { dtype: 'float32' as const, shape: [2], data: new Float32Array(2) };
  const wrong = {
    missing: [{ weight }, 'it lacks bias'],
    surplus: [{ weight, bias, extra: bias, more: bias }, 'it has also extra, more'],
    'missing and surplus': [{ weight, other: bias }, 'it lacks bias; it has also other'],
    'of another shape': [
      { weight: { ...weight, shape: [3, 2] }, bias },
      'weight is float32[3,2], not float32[2,3]',
    ],
    'of another dtype': [
      { weight, bias: { dtype: 'float64' as const, shape: [2], data: new Float64Array(2) } },
      'bias is float64[2], not float32[2]; pass cast: true to convert what differs in its dtype alone (1 tensor), which may lose digits',
    ],
  } as const;
  it.each(Object.entries(wrong))('changes nothing when tensors are %s', async (name, [tensors, message]) => {
    const path = join(directory, `${name}.safetensors`);
    await writeSafetensors(path, tensors);
    const model = new nn.Linear(3, 2).init(1);
    const before = valuesOf(model);
    await expect(model.load(path)).rejects.toThrow(`load: ${path} does not fit the model: ${message}`);
    expect(valuesOf(model)).toEqual(before);
  });
});
