import { join } from 'node:path';
import { io, nn, scan, type Tensor, tensor, zeros } from 'chainrule';
import { describe, expect, it } from 'vitest';
import type { FileTensor } from '#lib/io/file-dtypes.js';
import { useFolder } from '../helpers/folder.js';
import { ConvNet, Perceptron } from './models.js';
import { activationBytesOf, activationsOf, having, weightBytesOf, weightsOf } from './recordings.js';

const folder = useFolder();
const float = (shape: number[], values: readonly number[]): FileTensor => ({
  dtype: 'float32',
  shape,
  data: Float32Array.from(values),
});
const numbers = (count: number) => Array.from({ length: count }, (_, i) => Math.sin(i * i));

/** What a model gives for values, as a recording has it. */
async function outputOf(model: nn.Module, shape: number[], values: readonly number[]): Promise<FileTensor> {
  const output = model.eval().forward(tensor(values as number[], { shape }));
  return { dtype: 'float32', shape: output.shape, data: (await output.data()) as Float32Array };
}

const linear = () => new nn.Sequential(new nn.Linear(3, 2), new nn.ReLU()).init(1);

describe('compare', () => {
  it('reads a file, and gives the layers in the order in which they run', async () => {
    const path = join(folder(), 'activations.safetensors');
    await io.writeSafetensors(path, activationsOf('perceptron'));
    const { layers } = await io.compare(new Perceptron(), path, { weights: weightsOf('perceptron') });
    expect(layers.map(({ path }) => path)).toEqual([
      'fc1',
      'norm',
      'fc2',
      'block.fc',
      'block',
      'out',
      'output',
    ]);
    expect(layers[4]).toEqual({
      path: 'block',
      type: 'Block',
      shape: [6, 8],
      difference: expect.any(Number),
      relative: expect.any(Number),
      departs: false,
    });
  });

  it('reads a file in memory', async () => {
    const [activations, weights] = [activationBytesOf('perceptron'), weightBytesOf('perceptron')];
    const found = await io.compare(new Perceptron(), activations, { weights });
    const fromObjects = { weights: weightsOf('perceptron') };
    expect(found).toEqual(await io.compare(new Perceptron(), activationsOf('perceptron'), fromObjects));
    await expect(io.compare(new Perceptron(), weights)).rejects.toThrow(
      "compare: the file in memory must have the model's input as input",
    );
  });

  it('leaves the mode of the model and of its parts', async () => {
    const model = having(new ConvNet(), { drop: new nn.Dropout(0.3).eval() });
    await io.compare(model, activationsOf('convolutional'), { weights: weightsOf('convolutional') });
    expect([model.training, model.conv1.training, model.drop.training]).toEqual([true, true, false]);
  });

  it('lists what could not be compared', async () => {
    const { conv1: _, ...rest } = activationsOf('convolutional');
    const model = having(new ConvNet(), { act1: new nn.Identity() });
    class Unused extends nn.Module {
      readonly inner = model;
      readonly spare = new nn.Linear(1, 1);
      forward(x: Tensor): Tensor {
        return this.inner.forward(x);
      }
    }
    const recorded = Object.fromEntries(
      Object.entries(rest).map(([name, value]) => [
        name === 'input' || name === 'output' ? name : `inner.${name}`,
        value,
      ]),
    );
    const found = await io.compare(new Unused(), {
      ...recorded,
      spare: float([1], [1]),
      other: float([1], [1]),
    });
    expect(found.missing).toEqual(['other']);
    expect(found.uncalled).toEqual(['spare']);
    expect(found.unrecorded).toEqual(['inner.conv1', 'inner.flatten', 'inner']);
  });

  it('numbers the calls of a layer that runs several times', async () => {
    class Twice extends nn.Module {
      readonly fc = new nn.Linear(2, 2);
      forward(x: Tensor): Tensor {
        return this.fc.forward(this.fc.forward(x));
      }
    }
    const model = new Twice().init(1);
    const once = await outputOf(model.fc, [1, 2], [1, 2]);
    const twice = await outputOf(model, [1, 2], [1, 2]);
    const { layers, first } = await io.compare(model, {
      input: float([1, 2], [1, 2]),
      fc: once,
      'fc (2)': twice,
      output: twice,
    });
    expect(layers.map(({ path }) => path)).toEqual(['fc', 'fc (2)', 'output']);
    expect(first).toBeUndefined();
  });

  it('leaves out layers inside of loops, which have no value of their own', async () => {
    class Loop extends nn.Module {
      readonly fc = new nn.Linear(2, 2);
      forward(x: Tensor): Tensor {
        const step = ([h]: readonly Tensor[], [row]: readonly Tensor[]) => {
          const next = this.fc.forward((row as Tensor).add(h as Tensor));
          return { carry: [next], outputs: [next] };
        };
        return scan(step, { carry: [zeros([1, 2])], inputs: [x] }).outputs[0] as Tensor;
      }
    }
    const model = new Loop().init(1);
    const output = await outputOf(model, [3, 1, 2], numbers(6));
    const found = await io.compare(model, { input: float([3, 1, 2], numbers(6)), output, fc: output });
    expect(found.layers.map(({ path, departs }) => [path, departs])).toEqual([['output', false]]);
    expect(found.uncalled).toEqual(['fc']);
  });

  it('takes several inputs', async () => {
    const sum = new nn.Lambda((a, b) => a.add(b as Tensor));
    const found = await io.compare(sum, {
      'input.0': float([2], [1, 2]),
      'input.1': float([2], [3, 4]),
      output: float([2], [4, 7]),
    });
    expect(found.first).toMatchObject({ path: 'output', difference: 1, departs: true });
    expect(found.first?.relative).toBeCloseTo(1 / 7);
  });

  it('takes sequences with the channels in front where a convolution reads them, and behind for others', async () => {
    const conv = new nn.Sequential(new nn.Conv1d(4, 4, 1)).init(1);
    const values = numbers(16);
    const turned = values.map((_, i) => values[(i % 4) * 4 + Math.floor(i / 4)] as number);
    const output = await outputOf(conv, [1, 4, 4], values);
    const there = Float32Array.from(output.data as Float32Array, (_, i) =>
      Number(output.data[(i % 4) * 4 + Math.floor(i / 4)]),
    );
    const recorded = { input: float([1, 4, 4], turned), output: { ...output, data: there } as FileTensor };
    expect((await io.compare(conv, recorded)).first).toBeUndefined();
    const dense = new nn.Sequential(new nn.Linear(4, 4)).init(1);
    const own = { input: float([1, 4, 4], values), output: await outputOf(dense, [1, 4, 4], values) };
    expect((await io.compare(dense, own)).first).toBeUndefined();
    // With our layout nothing is turned.
    const ours = { input: float([1, 4, 4], values), output };
    expect((await io.compare(conv, ours, { layout: 'chainrule' })).first).toBeUndefined();
    expect((await io.compare(conv, ours)).first?.path).toBe('output');
  });

  it('has tolerances by dtype, or one that is given', async () => {
    const model = new nn.Identity();
    const departs = async (by: number, dtype: 'float32' | 'float64', tolerance?: number) => {
      const data = dtype === 'float32' ? new Float32Array(1) : new Float64Array(1);
      const recorded = (value: number) => ({ dtype, shape: [1], data: data.map(() => value) }) as FileTensor;
      const options = tolerance === undefined ? {} : { tolerance };
      const input = { input: recorded(1), output: recorded(1 + by) };
      return (await io.compare(wide(dtype), input, options)).first !== undefined;
    };
    const wide = (dtype: 'float32' | 'float64') =>
      dtype === 'float32' ? model : new nn.Sequential(new nn.PReLU(1, { dtype }));
    expect(await departs(2e-4, 'float32')).toBe(true);
    expect(await departs(5e-5, 'float32')).toBe(false);
    expect(await departs(2e-4, 'float32', 1e-3)).toBe(false);
    expect(await departs(1e-8, 'float64')).toBe(true);
    expect(await departs(1e-10, 'float64')).toBe(false);
  });

  it('compares up to the layer whose shape ends the run, and says so', async () => {
    const model = having(new ConvNet(), { pool: new nn.AvgPool2d(3) });
    const found = await io.compare(model, activationsOf('convolutional'), {
      weights: weightsOf('convolutional'),
    });
    expect(found.first).toMatchObject({ path: 'pool', shape: [2, 4, 3, 6], recordedShape: [2, 6, 5, 6] });
    expect(found.first?.difference).toBe(Number.POSITIVE_INFINITY);
    expect(found.failure).toContain('fc: Linear: the last axis of the input must be 54');
  });

  it('tells weights that do not fit as the reason, if nothing else explains a departure', async () => {
    const { 'fc2.weight': _, ...weights } = weightsOf('perceptron');
    const found = await io.compare(new Perceptron(), activationsOf('perceptron'), { weights });
    expect(found.first).toMatchObject({ path: 'fc2', reason: 'weights differ: the file lacks fc2.weight' });
    expect(found.weights?.missing).toEqual(['fc2.weight']);
  });

  it('finds no reason where there is none', async () => {
    const input = float([4, 3], numbers(12));
    const output = float([4, 2], numbers(8));
    const { first } = await io.compare(linear(), { input, output });
    expect(first).toMatchObject({ path: 'output', departs: true });
    expect(first).not.toHaveProperty('reason');
  });
});

describe('compare refuses', () => {
  const input = float([4, 3], numbers(12));
  const refusal = (recorded: Record<string, FileTensor>, model: nn.Module = linear()) =>
    expect(io.compare(model, recorded)).rejects;

  it('a recording without an input', async () => {
    await refusal({ fc: input }).toThrow(
      "compare: the recording must have the model's input as input, or input.0, input.1, ... or input.<name> for several; it has fc",
    );
    await refusal({}).toThrow('for several; it is empty');
  });

  it('a recording of no layer of the model', async () => {
    await refusal({ input, conv: input }).toThrow(
      'compare: the recording must have the output of a layer; it has conv, and the model ran 0, 1, output',
    );
    await refusal({ input }).toThrow('the output of a layer; it has inputs alone');
  });

  it('a recording of other shapes', async () => {
    await refusal({ input, output: float([3, 3], numbers(9)), 0: float([5], numbers(5)) }).toThrow(
      "compare: no recorded output has the shape of its layer's: 0 gives [4,2], and [5] was recorded",
    );
    await refusal({ input: float([4, 7], numbers(28)), output: input }).toThrow(
      '0: Linear: the last axis of the input must be 3',
    );
  });

  it('options that it does not know', async () => {
    await expect(io.compare(linear(), { input }, { weight: {} } as never)).rejects.toThrow(
      'compare: unknown option weight; did you mean weights?',
    );
  });
});

describe('formatComparison', () => {
  it('formats the layers, the first that departs and why, and what was not compared', async () => {
    const model = having(new Perceptron(), { norm: new nn.LayerNorm(8) });
    const { out: _, ...recorded } = activationsOf('perceptron');
    const found = await io.compare(model, recorded, { weights: weightsOf('perceptron') });
    const text = io.formatComparison(found, { columns: 90 });
    expect(text).toMatch(/^layer +type +shape +difference +relative/);
    expect(text).toMatch(/^fc1 +Linear +\[6,8\] +\S+ +\S+$/m);
    expect(text).toMatch(/^norm +LayerNorm +\[6,8\] +\S+ +\S+ +departs$/m);
    expect(text).toContain(
      'norm (LayerNorm) is the first to depart: the original has eps 0.001, here 0.00001.\n',
    );
    expect(text).toMatch(/not recorded: out$/);
    // As it comes back from JSON.
    expect(io.formatComparison(JSON.parse(JSON.stringify(found)), { columns: 90 })).toBe(text);
  });

  it('says that nothing departs', async () => {
    const found = await io.compare(new Perceptron(), activationsOf('perceptron'), {
      weights: weightsOf('perceptron'),
    });
    expect(io.formatComparison(found)).toMatch(/\n\nNo layer departs\.$/);
  });
});
