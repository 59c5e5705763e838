import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { io, nn, type Tensor, tensor, zeros } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { encode } from '#lib/io/safetensors.js';
import { decode, type Recorded, readFixture } from '../../helpers/fixtures.js';
import { useFolder } from '../../helpers/folder.js';
import {
  archiveOf,
  dict,
  int,
  pickleOf,
  text,
  tensor as torchTensor,
  tuple,
} from '../../io/torch/assemble.js';

const folder = useFolder();
const float = (shape: number[], data: number[]) => ({
  dtype: 'float32' as const,
  shape,
  data: Float32Array.from(data),
});
const weight = float([2, 3], [1, 2, 3, 4, 5, 6]);
const bias = float([2], [7, 8]);
const valuesOf = (model: nn.Module) => model.parameters().map(({ storage }) => [...storage.data]);
const fits = { missing: [], unexpected: [], misshapen: [], hints: [] };

describe('the state of a model', () => {
  it('is a copy by name, which loads into another model', async () => {
    const model = new nn.Sequential(new nn.Linear(3, 2), new nn.BatchNorm1d(2)).init(1);
    const state = await model.state();
    expect(Object.keys(state)).toEqual([
      '0.weight',
      '0.bias',
      '1.weight',
      '1.bias',
      '1.running_mean',
      '1.running_var',
    ]);
    const before = state['0.weight']?.data.slice();
    model.parameters()[0]?.storage.data.fill(9);
    expect(state['0.weight']?.data).toEqual(before);
    const other = new nn.Sequential(new nn.Linear(3, 2), new nn.BatchNorm1d(2));
    expect(await other.loadState(state)).toEqual(fits);
    expect(await other.state()).toEqual(state);
  });

  it('has convolutions as PyTorch orders them, if it is asked to', async () => {
    const model = new nn.Conv2d(1, 1, [2, 3], { bias: false });
    await model.loadState({ weight: float([2, 3, 1, 1], [1, 2, 3, 4, 5, 6]) });
    expect((await model.state({ layout: 'pytorch' })).weight).toEqual(
      float([1, 1, 2, 3], [1, 2, 3, 4, 5, 6]),
    );
    const wide = new nn.Conv1d(2, 3, 2, { bias: false });
    await wide.loadState({ weight: float([3, 2, 2], [...Array(12).keys()]) }, { layout: 'pytorch' });
    // Ours is [K, I, O]: PyTorch's [o][i][k] = 4 o + 2 i + k.
    expect([...wide.weight.storage.data]).toEqual([0, 4, 8, 2, 6, 10, 1, 5, 9, 3, 7, 11]);
  });

  it('has a layer of the user in the order that the layer names', async () => {
    class Transposed extends nn.Module {
      readonly kernel = new nn.Parameter([3, 2], { init: nn.init.zeros });
      override pytorchAxes() {
        return { kernel: [1, 0] };
      }
      forward(x: Tensor): Tensor {
        return x.matmul(this.kernel);
      }
    }
    const layer = new Transposed();
    await layer.loadState({ kernel: weight }, { layout: 'pytorch' });
    expect([...layer.kernel.storage.data]).toEqual([1, 4, 2, 5, 3, 6]);
  });
});

describe('a state that does not fit', () => {
  const state = { weight: { ...weight, shape: [3, 2] }, extra: bias };
  const report = {
    missing: ['bias'],
    unexpected: ['extra'],
    misshapen: [{ name: 'weight', expected: 'float32[2,3]', found: 'float32[3,2]' }],
    hints: [],
  };

  it('is an error that names all that differs, and changes nothing', async () => {
    const names = Array.from({ length: 9 }, (_, i) => `more${i}`);
    const many = Object.fromEntries(names.map((name) => [name, bias]));
    const model = new nn.Linear(3, 2).init(1);
    const before = valuesOf(model);
    await expect(model.loadState({ ...state, ...many })).rejects.toThrow(
      `loadState: the state does not fit the model: it lacks bias; it has also extra, ${names.join(', ')}; weight is float32[3,2], not float32[2,3]`,
    );
    expect(valuesOf(model)).toEqual(before);
  });

  it('is loaded in part with strict: false, but for what has another form', async () => {
    const model = new nn.Linear(3, 2).init(1);
    const before = valuesOf(model);
    expect(await model.loadState(state, { strict: false })).toEqual(report);
    expect(valuesOf(model)).toEqual(before);
    expect(await model.loadState({ bias, extra: bias }, { strict: false })).toMatchObject({
      missing: ['weight'],
    });
    expect(valuesOf(model)).toEqual([before[0], [7, 8]]);
  });

  it.each([
    ['a prefix', { 'module.weight': weight, 'module.bias': bias }, "pass prefix: 'module.'"],
    ['the other layout', { weight: float([2, 1, 1, 3], [1, 2, 3, 4, 5, 6]), bias }, "pass layout: 'pytorch'"],
    [
      'a wider dtype',
      { weight, bias: { dtype: 'float64' as const, shape: [2], data: new Float64Array(2) } },
      'pass cast: true',
    ],
  ])('says what would help: %s', async (name, other, hint) => {
    const model = name === 'the other layout' ? new nn.Conv2d(1, 2, [1, 3]) : new nn.Linear(3, 2);
    await expect(model.loadState(other)).rejects.toThrow(hint);
  });

  it('has what its reader leaves out and what PyTorch counts, of which no model needs anything', async () => {
    const counted = { dtype: 'int64' as const, shape: [], data: BigInt64Array.of(5n) };
    const model = new nn.BatchNorm1d(2);
    const state = { ...(await model.state()), num_batches_tracked: counted };
    expect(await model.loadState(state)).toEqual(fits);
    // An average of all batches needs the count.
    const average = new nn.BatchNorm1d(2, { momentum: null });
    expect(await average.loadState(state)).toEqual(fits);
    expect(average.num_batches_tracked?.storage.data[0]).toBe(5);
  });
});

describe('names', () => {
  it('lose a prefix, and are renamed by a record or a function', async () => {
    const model = new nn.Linear(3, 2);
    const state = { 'a.w': weight, 'a.bias': bias, other: bias };
    expect(await model.loadState(state, { prefix: 'a.', rename: { w: 'weight' } })).toEqual(fits);
    expect(valuesOf(model)).toEqual([
      [1, 2, 3, 4, 5, 6],
      [7, 8],
    ]);
    const rename = (name: string) =>
      name === 'other' ? undefined : name.replace('a.', '').replace(/^w$/, 'weight');
    expect(await model.loadState(state, { rename })).toEqual(fits);
  });

  it('may not become one', async () => {
    const model = new nn.Linear(3, 2);
    await expect(model.loadState({ weight, w: weight, bias }, { rename: { w: 'weight' } })).rejects.toThrow(
      'loadState: rename gives weight and w the same name, weight',
    );
    await expect(model.loadState({ weight, bias }, { rename: (() => 3) as never })).rejects.toThrow(
      'loadState: rename must return a name for weight, or undefined, got 3',
    );
  });

  it('are any of those of a shared parameter, all of which PyTorch writes', async () => {
    class Tied extends nn.Module {
      readonly wte = new nn.Embedding(2, 3);
      readonly head = new nn.Linear(3, 2, { bias: false });
      constructor() {
        super();
        Object.assign(this.head, { weight: this.wte.weight });
      }
      forward(x: Tensor): Tensor {
        return this.head.forward(this.wte.forward(x));
      }
    }
    for (const state of [
      { 'wte.weight': weight },
      { 'head.weight': weight },
      { 'wte.weight': weight, 'head.weight': weight },
    ]) {
      const model = new Tied();
      expect(await model.loadState(state)).toEqual(fits);
      expect(valuesOf(model)).toEqual([[1, 2, 3, 4, 5, 6]]);
    }
    expect(Object.keys(await new Tied().state())).toEqual(['wte.weight']);
    expect(Object.keys(await new Tied().state({ layout: 'pytorch' }))).toEqual(['wte.weight', 'head.weight']);
  });
});

describe('numbers of other types', () => {
  const linear = (dtype: 'float32' | 'float64' = 'float32') => new nn.Linear(3, 2, { dtype, bias: false });

  it('are widened', async () => {
    const model = linear('float64');
    await model.loadState({ weight });
    expect(valuesOf(model)).toEqual([[1, 2, 3, 4, 5, 6]]);
  });

  it('are rounded with cast: true only', async () => {
    const state = {
      weight: { dtype: 'float64' as const, shape: [2, 3], data: Float64Array.of(0.1, 2, 3, 4, 5, 6) },
    };
    await expect(linear().loadState(state)).rejects.toThrow('weight is float64[2,3], not float32[2,3]');
    const model = linear();
    await model.loadState(state, { cast: true });
    expect(valuesOf(model)).toEqual([[Math.fround(0.1), 2, 3, 4, 5, 6]]);
    const long = {
      weight: { dtype: 'int64' as const, shape: [2, 3], data: BigInt64Array.of(1n, 2n, 3n, 4n, 5n, 6n) },
    };
    await model.loadState(long, { cast: true });
    expect(valuesOf(model)).toEqual([[1, 2, 3, 4, 5, 6]]);
  });

  it('must fit where they are integers', async () => {
    class Counter extends nn.Module {
      readonly count = new nn.Buffer([1], { dtype: 'int32' });
      forward(x: Tensor): Tensor {
        return x;
      }
    }
    const count = (value: bigint) => ({
      count: { dtype: 'int64' as const, shape: [1], data: BigInt64Array.of(value) },
    });
    const model = new Counter();
    await model.loadState(count(-5n), { cast: true });
    await expect(model.loadState(count(2n ** 31n), { cast: true })).rejects.toThrow(
      'count: value 0 must be an int32 number',
    );
    expect([...model.count.storage.data]).toEqual([-5]);
  });
});

describe('files', () => {
  const state = { weight, bias };
  /** A storage of six numbers, from 0 to 5, which both are in. */
  const saved = dict(
    [text('weight'), torchTensor()],
    [text('bias'), torchTensor({ size: tuple(int(2)), stride: tuple(int(1)) })],
  );

  /** The bytes of an .npz archive. */
  async function npz(): Promise<Uint8Array> {
    const path = join(folder(), 'model.npz');
    await io.writeNpz(path, state);
    return new Uint8Array(readFileSync(path));
  }

  it.each<[string, () => Uint8Array | Promise<Uint8Array>, number[][]]>([
    ['safetensors', () => encode(state), [[...weight.data], [...bias.data]]],
    ['npz', npz, [[...weight.data], [...bias.data]]],
    [
      'torch.save',
      () => archiveOf(pickleOf(saved)),
      [
        [0, 1, 2, 3, 4, 5],
        [0, 1],
      ],
    ],
  ])('may be in memory, which then may change: %s', async (_, make, expected) => {
    const bytes = await make();
    const model = new nn.Linear(3, 2);
    expect(await model.load(bytes)).toEqual(fits);
    bytes.fill(0xff);
    expect(valuesOf(model)).toEqual(expected);
  });

  it('in memory are loaded whole or not at all', async () => {
    const model = new nn.Linear(3, 2).init(1);
    const before = valuesOf(model);
    const bytes = await npz();
    // The last element of the second array.
    const at = Buffer.from(bytes.buffer).indexOf(Buffer.from(bias.data.buffer)) + 7;
    bytes[at] = 0;
    await expect(model.load(bytes)).rejects.toThrow('the file in memory: entry bias.npy: is damaged');
    await expect(model.load(encode({ weight }))).rejects.toThrow(
      'load: the file in memory does not fit the model: it lacks bias',
    );
    expect(valuesOf(model)).toEqual(before);
  });

  it('give a model its values without drawing any', async () => {
    const path = join(folder(), 'model.safetensors');
    await io.writeSafetensors(path, { weight, bias });
    let drawn = 0;
    const init: nn.init.Initialiser = (shape) => {
      drawn++;
      return zeros(shape);
    };
    const model = new nn.Linear(3, 2, { init, biasInit: init });
    await model.load(path);
    expect(await model.forward(tensor([[1, 0, 0]])).data()).toEqual(Float32Array.of(8, 12));
    expect(drawn).toBe(0);
  });

  it('are those of torch.save', async () => {
    class Net extends nn.Module {
      readonly conv = new nn.Conv2d(1, 2, 3);
      readonly norm = new nn.BatchNorm2d(2);
      readonly fc = new nn.Linear(2, 2);
      readonly tied = this.fc;
      forward(x: Tensor): Tensor {
        return x;
      }
    }
    const { file, expected } = readFixture<{
      checkpoint: { file: string; expected: Record<string, Recorded> };
    }>('torch_files').checkpoint;
    const path = join(folder(), 'checkpoint.pt');
    writeFileSync(path, Buffer.from(file, 'base64'));
    const model = new Net();
    expect(await model.load(path, { layout: 'pytorch' })).toEqual(fits);
    const state = await model.state({ layout: 'pytorch' });
    for (const [name, tensor] of Object.entries(state))
      expect(tensor.data).toEqual(decode(expected[name] as Recorded));
    expect(Object.keys(state)).toHaveLength(Object.keys(expected).length - 1);
  });

  it('are those of NumPy', async () => {
    const path = join(folder(), 'weights.npz');
    await io.writeNpz(path, { weight, bias });
    const model = new nn.Linear(3, 2);
    expect(await model.load(path)).toEqual(fits);
    expect(valuesOf(model)).toEqual([
      [1, 2, 3, 4, 5, 6],
      [7, 8],
    ]);
    const single = join(folder(), 'weight.npy');
    await io.writeNpy(single, weight);
    const rename = { arr_0: 'weight' };
    expect(await new nn.Linear(3, 2, { bias: false }).load(single, { rename })).toEqual(fits);
  });

  it('may be several with an index, in a folder as Hugging Face lays models out', async () => {
    const dir = folder();
    await io.writeSafetensors(join(dir, 'model-00001-of-00002.safetensors'), { weight });
    await io.writeSafetensors(join(dir, 'model-00002-of-00002.safetensors'), { bias });
    const index = join(dir, 'model.safetensors.index.json');
    const map = { weight: 'model-00001-of-00002.safetensors', bias: 'model-00002-of-00002.safetensors' };
    writeFileSync(index, JSON.stringify({ metadata: { total_size: 32 }, weight_map: map }));
    for (const path of [dir, index]) {
      const model = new nn.Linear(3, 2);
      expect(await model.load(path)).toEqual(fits);
      expect(valuesOf(model)).toEqual([
        [1, 2, 3, 4, 5, 6],
        [7, 8],
      ]);
    }
    const single = join(dir, 'single');
    mkdirSync(single);
    await io.writeSafetensors(join(single, 'model.safetensors'), { weight, bias });
    expect(await new nn.Linear(3, 2).load(single)).toEqual(fits);
  });

  it.each([
    ['no JSON', '{', 'the index is not valid JSON'],
    ['no map', '{}', 'the index must have a record weight_map of files by tensor'],
    [
      'a path',
      '{"weight_map":{"a":"../a.safetensors"}}',
      'weight_map.a must be the name of a .safetensors file beside the index',
    ],
    ['a number', '{"weight_map":{"a":3}}', 'weight_map.a must be the name of a .safetensors file'],
    [
      'a file without the tensor',
      '{"weight_map":{"b":"a.safetensors"}}',
      'a.safetensors must have the tensor b',
    ],
  ])('have an index that says where its tensors are, not %s', async (_, text, message) => {
    const dir = folder();
    await io.writeSafetensors(join(dir, 'a.safetensors'), { a: bias });
    const index = join(dir, 'model.safetensors.index.json');
    writeFileSync(index, text);
    await expect(new nn.Linear(3, 2).load(index)).rejects.toThrow(`${index}: ${message}`);
  });
});

describe('arguments', () => {
  it('are options, of which metadata are one', async () => {
    const path = join(folder(), 'model.safetensors');
    await expect(new nn.Linear(1, 1).save(path, { note: 'x' } as never)).rejects.toThrow(
      'save: takes options, of which metadata are one: write { metadata: { ... } }',
    );
    await expect(new nn.Linear(1, 1).load(path, { strikt: true } as never)).rejects.toThrow('strict');
    await expect(new nn.Linear(1, 1).loadState({ weight: [1] } as never)).rejects.toThrow(
      'loadState: state must be',
    );
  });
});
