import { data, nn, sort, tensor } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { nearestName } from '#lib/graph/arguments/nearest-name.js';

const bad = (value: unknown) => value as never;

describe('the nearest name', () => {
  it('shares letters with the name', () => {
    expect(nearestName('q', ['p', 'x'])).toBeUndefined();
    expect(nearestName('ab', ['a', 'xy'])).toBe('a');
    expect(nearestName('P', ['p'])).toBe('p');
  });

  it.each([
    [() => nn.huberLoss(tensor([1]), tensor([1]), bad({ beta: 1 })), 'did you mean delta?'],
    [() => new nn.Conv2d(1, 1, 3, bad({ pad: 1 })), 'did you mean padding?'],
    [() => sort(tensor([1, 2]), 0, bad({ reverse: true })), 'did you mean descending?'],
    [
      () => data.fromArrays([[1], [2]], [[1], [2]]).split(0.8, bad({ shuffle: true })),
      'split: seed must be an integer; the samples are always shuffled, got an object',
    ],
  ])('is what other frameworks mean (%#)', (call, message) => {
    expect(call).toThrow(message);
  });
});
