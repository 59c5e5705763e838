import { nn, tensor, zeros } from 'chainrule';
import { describe, expect, it } from 'vitest';

const { init } = nn;
const linear = (initialiser: unknown) => new nn.Linear(2, 3, { init: initialiser as nn.init.Initialiser });

describe('the initialiser of a layer', () => {
  it.each([
    [init.normal, 'Linear: init must be an initialiser, which normal(...) makes, got function normal'],
    [
      init.kaimingUniform,
      'Linear: init must be an initialiser, which kaimingUniform(...) makes, got function kaimingUniform',
    ],
    [init.gain, 'Linear: init must be an initialiser such as init.xavierUniform(), got function gain'],
    ['glorot', 'Linear: init must be an initialiser such as init.xavierUniform(), got glorot'],
    [
      tensor([1]),
      'Linear: init must be an initialiser such as init.xavierUniform(), got an instance of Tensor',
    ],
    [null, 'Linear: init must be an initialiser such as init.xavierUniform(), got null'],
  ])('is one: %o', (given, message) => {
    expect(() => linear(given)).toThrow(message);
  });

  it.each([init.zeros, init.identity, init.normal(0, 1), (shape: nn.init.Initialiser) => shape])(
    'is kept as it is',
    (given) => {
      expect(linear(given)).toBeInstanceOf(nn.Linear);
    },
  );

  it.each([
    ['nothing', () => undefined, 'undefined'],
    ['a number', () => 3, '3'],
    ['a promise', async () => zeros([3, 2]), 'an instance of Promise'],
    ['another shape of as many elements', () => zeros([2, 3]), 'float32[2,3]'],
    ['a scalar', () => zeros([]), 'float32[]'],
    ['more elements', () => zeros([4, 2]), 'float32[4,2]'],
    ['another dtype', () => zeros([3, 2], 'int32'), 'int32[3,2]'],
  ])('that returns %s is refused by the path of its parameter', (_, given, received) => {
    const model = new nn.Sequential(linear(given));
    expect(() => model.init()).toThrow(
      `0.weight: the result of its initialiser must be a tensor float32[3,2], got ${received}`,
    );
  });

  it('of an embedding with padding is held to the same', () => {
    const embedding = new nn.Embedding(3, 2, { paddingIdx: 0, init: () => zeros([2]) });
    expect(() => embedding.init()).toThrow(
      'Embedding: the result of its initialiser must be a tensor float32[3,2], got float32[2]',
    );
  });
});

describe('an initialiser', () => {
  const call = (fn: unknown, ...args: readonly unknown[]) =>
    Reflect.apply(fn as () => unknown, undefined, args);
  it.each([
    ['zeros: is an initialiser itself, which is given to a layer without a call', init.zeros, []],
    ['normal: takes mean and deviation alone, got 3', init.normal, [0, 1, 3]],
    [
      'normal: mean must be a finite number; write its value alone instead of { mean: ... }, got an object',
      init.normal,
      [{ mean: 0, std: 1 }],
    ],
    ['uniform: low must be a number, got a', init.uniform, ['a']],
    ['constant: value must be a number, got undefined', init.constant, []],
    ['dirac: groups must be a positive integer, got 0', init.dirac, [0]],
    ['orthogonal: gain must be a finite number, got NaN', init.orthogonal, [Number.NaN]],
    ['sparse: sparsity must be from 0 to 1, got undefined', init.sparse, []],
    ['truncatedNormal: high must be a number, got x', init.truncatedNormal, [0, 1, -2, 'x']],
    ['kaimingNormal: unknown option a; did you mean slope?', init.kaimingNormal, [{ a: 0.1 }]],
    [
      'ones: context must be an object with dtype, seed, key, fanIn and fanOut, got an object',
      init.ones,
      [[2], {}],
    ],
  ])('%s', (message, fn, args) => {
    expect(() => call(fn, ...args)).toThrow(message);
  });
});

describe('Parameter and Buffer', () => {
  const make = (type: typeof nn.Parameter | typeof nn.Buffer, ...args: readonly unknown[]) =>
    Reflect.construct(type, args);
  it.each([
    ['Parameter: options must be a plain object with init, got undefined', nn.Parameter, [[2]]],
    ['Parameter: shape must be an array of non-negative integers, got 2', nn.Parameter, [2]],
    [
      'Parameter: unknown option trainable; freeze() excludes',
      nn.Parameter,
      [[2], { init: init.ones, trainable: 1 }],
    ],
    ['Buffer: options must be a plain object such as { value: 1 }, got 1', nn.Buffer, [[2], 1]],
    ['Buffer: takes shape and options alone, got 1', nn.Buffer, [[2], {}, 1]],
  ] as const)('%s', (message, type, args) => {
    expect(() => make(type, ...args)).toThrow(message);
  });
});
