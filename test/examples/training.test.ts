import { describe, expect, it } from 'vitest';
import { SMALL as SMALL_LSTM, trainCharLSTM } from '#examples/char-lstm.js';
import { SMALL as SMALL_TRANSFORMER, trainCharTransformer } from '#examples/char-transformer.js';
import { recordedRuns } from '#examples/lib/recorded.js';
import { ResNet20 } from '#examples/lib/resnet.js';
import { readText, windows } from '#examples/lib/text.js';
import { trainResNet20 } from '#examples/resnet20.js';
import { expectClose } from '../helpers/close.js';

const { torch, transformer, lstm, resnet20 } = recordedRuns();

async function all(losses: AsyncIterable<number>): Promise<number[]> {
  const found: number[] = [];
  for await (const loss of losses) found.push(loss);
  return found;
}

describe(`examples beside PyTorch ${torch}, from the same weights on the same data`, () => {
  it('have recordings in which the loss falls', () => {
    for (const { small, large } of [transformer, lstm]) {
      expect(small).toHaveLength(20);
      expect(small.at(-1)).toBeLessThan((small[0] as number) - 0.5);
      expect(large).toHaveLength(300);
      expect(large.at(-1)).toBeLessThan((large[0] as number) - 1.5);
    }
    for (const losses of Object.values(resnet20)) {
      expect(losses).toHaveLength(20);
      expect(losses.at(-1)).toBeLessThan((losses[0] as number) - 1);
    }
  });

  it('the character-level transformer has the recorded losses', async () => {
    expectClose('transformer', await all(trainCharTransformer(SMALL_TRANSFORMER)), transformer.small, {
      relative: 1e-5,
    });
  });

  it('the character-level LSTM has the recorded losses', async () => {
    expectClose('LSTM', await all(trainCharLSTM(SMALL_LSTM)), lstm.small, { relative: 1e-5 });
  });

  it('ResNet-20 has the recorded losses over 20 steps in float64', async () => {
    const found = await all(trainResNet20({ dtype: 'float64' }));
    expectClose('ResNet-20', found, resnet20.float64, { relative: 1e-8 });
  });

  // Later ones differ even between PyTorch's own runs in float32 and float64.
  it('ResNet-20 has the first recorded losses in float32', async () => {
    const found = await all(trainResNet20({ steps: 2 }));
    expectClose('ResNet-20', found, resnet20.float32.slice(0, 2), { relative: 1e-4 });
  });
});

describe('ResNet-20', () => {
  it('has 21 convolutions, two of them in shortcuts, and 272,474 parameters', () => {
    const parameters = new ResNet20().namedParameters();
    const kernels = parameters.filter(([, { shape }]) => shape.length === 4);
    expect(kernels).toHaveLength(21);
    expect(kernels.filter(([path]) => path.includes('downsample'))).toHaveLength(2);
    expect(parameters.reduce((sum, [, { size }]) => sum + size, 0)).toBe(272474);
  });
});

describe('the text', () => {
  it('is the one that the README tells of, with windows whose targets are one character on', async () => {
    const text = readText();
    expect(text.codes).toHaveLength(74531);
    expect(text.alphabet).toHaveLength(71);
    const start = Array.from(text.codes.subarray(0, 90), (code) => text.alphabet[code]).join('');
    expect(start).toMatch(/^Chapter 1\n\n\nIt is a truth universally acknowledged/);

    const { inputs, targets } = windows(text, { step: 3, batch: 4, context: 16 });
    expect(inputs.shape).toEqual([4, 16]);
    const [x, y] = [await inputs.data(), await targets.data()];
    for (let row = 0; row < 4; row++) {
      const from = ((3 * 4 + row) * 7919) % (74531 - 17);
      expect([...x.subarray(row * 16, row * 16 + 16)]).toEqual([...text.codes.subarray(from, from + 16)]);
      expect([...y.subarray(row * 16, row * 16 + 16)]).toEqual([...text.codes.subarray(from + 1, from + 17)]);
    }
  });
});
