import { data, type FitOptions, nn, optim } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { useFolder } from '../helpers/folder.js';
import { clickLoss, inputs, LR, rows, samples, targets, train } from '../helpers/models/recommender.js';
import { hashOf } from '../helpers/runs.js';

const folder = useFolder();
const weights = Float32Array.from(rows, (row) => row % 3);

describe('checkpoints of several inputs', () => {
  const resumed = async (dir: string, epochs: number, options: Parameters<typeof train>[0] = {}) => {
    const fit: FitOptions = { epochs, shuffle: true, ...options.fit, checkpoint: { dir, everySteps: 2 } };
    return train({ optimizer: optim.adamW({ lr: LR }), data: samples({ weights }), ...options, fit });
  };

  it('continue to the same bits', async () => {
    const dir = folder();
    await resumed(dir, 2, { shards: 2 });
    const found = await resumed(dir, 4, { shards: 2, workers: 2 });
    const expected = await resumed(folder(), 4, { shards: 2 });
    expect(found.results.map(({ epoch }) => epoch)).toEqual([3, 4]);
    expect(hashOf(found.trainer.model)).toBe(hashOf(expected.trainer.model));
  });

  const price = inputs.price.map((value, i) => (i === 3 ? 0 : value));
  it.each<[string, Parameters<typeof train>[0], string]>([
    [
      'an input',
      { data: data.fromArrays({ ...inputs, price }, targets, { weights }) },
      'data.inputs.price: float64[], with other values in the checkpoint',
    ],
    [
      'a target',
      { data: data.fromArrays(inputs, { ...targets, rating: price }, { weights }) },
      'data.targets.rating: float64[], with other values in the checkpoint',
    ],
    [
      'the weights',
      { data: samples({ weights: weights.map((weight) => 2 * weight) }) },
      'data.weights: float32[], with other values in the checkpoint',
    ],
    [
      'a transform',
      { data: samples({ weights }).transform({ price: [data.noise({ std: 0 })] }) },
      'data.transforms.price: none in the checkpoint, noise(std: 0) given',
    ],
    [
      'a loss',
      { loss: { rating: nn.huberLoss, click: clickLoss } },
      'loss: rating: mseLoss, click: crossEntropy(ignoreIndex: -1) in the checkpoint, rating: huberLoss, click: crossEntropy(ignoreIndex: -1) given',
    ],
    [
      'a factor',
      { lossWeights: { click: 0.5 } },
      'loss: rating: mseLoss, click: crossEntropy(ignoreIndex: -1) in the checkpoint, rating: mseLoss, click: 0.5 * crossEntropy(ignoreIndex: -1) given',
    ],
  ])('tell that %s is another', async (_, options, message) => {
    const dir = folder();
    await resumed(dir, 1);
    await expect(resumed(dir, 2, options)).rejects.toThrow(message);
  });
});
