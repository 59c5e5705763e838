import { expect, it } from 'vitest';
import { areSame, runSameBits } from '#bench/same-bits.js';
import { LONG } from '../helpers/long.js';

/** The shards that each takes on two machines. */
const shardsOf = { mlp: 3, 'mlp in 8 shards': 8, cnn: 3, resnet20: 16, transformer: 4 };
/** The sample has one with random changes of its images, and one without layers that shards share. */
const models = Object.entries(shardsOf).filter(([name]) => LONG || ['cnn', 'transformer'].includes(name));
const names = models.map(([name]) => name);

it('a dense net, a convolutional one with augmentation, ResNet-20 and a transformer have the same bits, resumed ones too', async () => {
  const results = [];
  for await (const result of runSameBits({ machines: [{ workers: 3 }, { cores: 4 }], epochs: 1, names }))
    results.push(result);
  const text = results.map((result) => JSON.stringify(result)).join('\n');
  expect(results.map(({ case: name }) => name)).toEqual(names.flatMap((name) => [name, name]));
  expect(areSame(results), text).toBe(true);
  // The learned values differ from model to model.
  expect(new Set(results.map(({ hash }) => hash)).size).toBe(names.length);
  expect(results.map(({ shards }) => shards)).toEqual(models.flatMap(([, shards]) => [shards, shards]));
});

it('different hashes are seen', () => {
  const facts = { case: 'a', model: '', machine: { workers: 1 }, steps: 1, shards: 2 };
  const result = { ...facts, hash: '1', again: '1', resumed: '1' };
  expect(areSame([result, { ...result, case: 'b', hash: '2', again: '2', resumed: '2' }])).toBe(true);
  expect(areSame([result, { ...result, machine: { cores: 2 }, hash: '2', again: '2', resumed: '2' }])).toBe(
    false,
  );
  expect(areSame([{ ...result, again: '2' }])).toBe(false);
  expect(areSame([{ ...result, resumed: '2' }])).toBe(false);
});
