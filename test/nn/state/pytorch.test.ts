import { io, nn, type Tensor } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { decode, type Recorded, readFixture, toTensor } from '../../helpers/fixtures.js';

interface Recording {
  /** Base64 of a safetensors file. */
  readonly file: string;
  readonly input: Recorded;
  readonly output: Recorded;
  readonly halves: Readonly<Record<'float16' | 'bfloat16', { file: string; output: Recorded }>>;
}
const { cases } = readFixture<{ cases: Record<string, Recording> }>('models_and_arrays/state_dicts');

class Recurrent extends nn.Module {
  readonly embedding = new nn.Embedding(11, 6);
  readonly lstm = new nn.LSTM(6, 5, { numLayers: 2, bidirectional: true });
  readonly gru = new nn.GRU(10, 4);
  readonly head = new nn.Linear(4, 3);

  forward(x: Tensor): Tensor {
    return this.head.forward(this.gru.forward(this.lstm.forward(this.embedding.forward(x))));
  }
}

const models: Record<string, () => nn.Module> = {
  convolutional: () =>
    new nn.Sequential(
      new nn.Conv2d(3, 4, 3, { padding: 1, bias: false }),
      new nn.BatchNorm2d(4),
      new nn.ReLU(),
      new nn.Conv2d(4, 4, [3, 2], { groups: 4 }),
      new nn.ConvTranspose2d(4, 5, [2, 3], { stride: 2 }),
      new nn.Flatten({ order: 'channelsFirst' }),
      new nn.Linear(5 * 8 * 11, 7),
    ),
  recurrent: () => new Recurrent(),
  attention: () => new nn.TransformerEncoderLayer(8, 2, { dimFeedforward: 16 }),
};

const bytesOf = (file: string) => new Uint8Array(Buffer.from(file, 'base64'));

/** The largest difference between a model's answer and the recorded one. */
async function largestDifference(model: nn.Module, input: Recorded, output: Recorded): Promise<number> {
  const found = await model.eval().forward(toTensor(input)).data();
  const wanted = decode(output);
  expect(found.length).toBe(wanted.length);
  return Math.max(...wanted.map((value, i) => Math.abs(value - Number(found[i]))));
}

describe.each(Object.entries(cases))('a state dict of PyTorch: %s', (name, recording) => {
  const create = models[name] as () => nn.Module;

  it('loads, and the model answers as it did there', async () => {
    const model = create();
    const report = await model.load(bytesOf(recording.file), { layout: 'pytorch' });
    expect(report).toEqual({ missing: [], unexpected: [], misshapen: [], hints: [] });
    expect(await largestDifference(model, recording.input, recording.output)).toBeLessThan(2e-6);
  });

  it.each(Object.entries(recording.halves))('loads from %s', async (_, { file, output }) => {
    const model = create();
    await model.load(bytesOf(file), { layout: 'pytorch' });
    expect(await largestDifference(model, recording.input, output)).toBeLessThan(2e-6);
  });

  it('goes back as it came, bit by bit', async () => {
    const model = create();
    await model.load(bytesOf(recording.file), { layout: 'pytorch' });
    const { tensors } = await io.readSafetensors(bytesOf(recording.file));
    const state = await model.state({ layout: 'pytorch' });
    const floats = Object.entries(tensors).filter(([tensor]) => !tensor.endsWith('num_batches_tracked'));
    expect(Object.keys(state).sort()).toEqual(floats.map(([tensor]) => tensor).sort());
    for (const [tensor, { shape, data }] of floats)
      expect(state[tensor], tensor).toMatchObject({ shape, data });
  });
});
