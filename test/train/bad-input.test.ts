import { arange, compile, conv2d, gather, matmul, nn, ones, optim, softmax, tensor, zeros } from 'chainrule';
import { describe, expect, it } from 'vitest';

const bools = () => tensor([1, 0], { dtype: 'bool' });

describe('bad input is refused by name', () => {
  it.each<[string, () => unknown, string]>([
    [
      'an empty kernel',
      () => conv2d(ones([1, 4, 4, 2]), ones([0, 1, 2, 3])),
      'conv2d: kernels must not be empty, got [0,1,2,3]',
    ],
    [
      'a kernel of no channels',
      () => conv2d(ones([1, 4, 4, 0]), ones([1, 1, 0, 3])),
      'conv2d: kernels must not be empty',
    ],
    ['the negative of bools', () => bools().neg(), 'neg: needs numbers; cast the bool first, got bool'],
    ['the sum of bools', () => bools().add(bools()), 'add: needs numbers; cast the bool first, got bool'],
    [
      'the mean of integers',
      () => tensor([1, 2], { dtype: 'int32' }).mean(),
      'mean: needs float32 or float64',
    ],
    [
      'half an integer',
      () => tensor([1, 2], { dtype: 'int32' }).mul(0.5),
      'mul: value must be a int32 number, got 0.5',
    ],
    [
      'a fraction around integers',
      () => tensor([1], { dtype: 'int32' }).pad([[1, 1]], 0.5),
      'pad: value must be a int32 number',
    ],
    ['a range past its dtype', () => arange(300, 'uint8'), 'arange: value must be a uint8 number, got 299'],
    [
      'a transposed vector',
      () => matmul(ones([2]), ones([2, 3]), { transposeA: true }),
      'matmul: a vector cannot be transposed',
    ],
    [
      'an unknown dtype of zeros',
      () => zeros([1], 'float16' as 'float32'),
      'zeros: dtype must be one of float32, float64, int32, uint8, bool, got float16',
    ],
    [
      'an unknown dtype of a tensor',
      () => tensor([1], { dtype: 'int64' as 'int32' }),
      'tensor: dtype must be one of float32',
    ],
    ['an unknown dtype to cast to', () => ones([1]).to('x' as 'int32'), 'cast: dtype must be one of float32'],
    [
      'an operand that is no tensor',
      () => ones([1]).add('1' as unknown as number),
      "add: b must be a tensor or a number, got '1'",
    ],
    [
      'an axis of softmax',
      () => softmax(ones([2]), 4),
      'softmax: axis must be an integer from -1 to 0, got 4',
    ],
    [
      'a layer that is no module',
      () => new nn.Sequential({} as nn.Module),
      'Sequential: layers must be modules',
    ],
    ['an empty window', () => new nn.MaxPool2d(0), 'MaxPool2d: size must be a positive integer, got 0'],
    [
      'a fractional seed',
      () => new nn.Linear(1, 1).init(0.5),
      'init: seed must be a non-negative integer, got 0.5',
    ],
    [
      'no options for sgd',
      () => optim.sgd(undefined as unknown as { lr: number }),
      'sgd: options must be a plain object with lr',
    ],
  ])('%s', (_, act, message) => {
    expect(act).toThrow(message);
  });

  it('an index is refused at the line that awaits the value', async () => {
    const row = gather(ones([2, 3]), tensor([5], { dtype: 'int32' }));
    const error = await row.data().then(null, (reason: Error) => reason);
    expect(error).toHaveProperty('message', 'gather: index 5 at position 0 is outside 0..1');
    expect((error as Error).stack).toContain('bad-input.test');
  });

  it('an index is refused at the line that awaits a compiled call, and the next call works', async () => {
    const pick = compile((indices) => gather(ones([2, 3]), indices));
    async function callWithBadIndex() {
      await pick(tensor([5], { dtype: 'int32' }));
    }
    const error = await callWithBadIndex().then(null, (reason: Error) => reason);
    expect((error as Error).stack).toContain('callWithBadIndex');
    expect(await (await pick(tensor([1], { dtype: 'int32' }))).toArray()).toEqual([[1, 1, 1]]);
  });
});
