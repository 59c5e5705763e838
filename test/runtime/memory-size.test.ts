import { compile, data, formatBytes, nn, optim, type Tensor, Trainer } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { resolveMemory } from '#lib/runtime/memory-size.js';
import { usableMemory } from '#lib/runtime/usable-memory.js';
import { failure } from '../helpers/graphs.js';

describe('an amount of memory', () => {
  it.each<[number | string, number]>([
    [1, 1],
    [1e9, 1e9],
    [1000.7, 1000],
    ['512MB', 512e6],
    ['1.5GB', 1.5e9],
    ['1.5 gb', 1.5e9],
    ['64MiB', 64 * 2 ** 20],
    ['2GiB', 2 ** 31],
    ['0.5TiB', 2 ** 39],
    ['100kB', 1e5],
    ['100KiB', 102_400],
    ['12345', 12_345],
    [' 12345 B ', 12_345],
  ])('%s is read', (memory, bytes) => {
    const source = { root: '/nonexistent', machine: 2 ** 50 };
    expect(resolveMemory('Trainer', memory, source)).toEqual({ bytes });
  });

  it.each<[unknown]>([
    [0],
    [-5],
    [0.5],
    [Number.NaN],
    [Number.POSITIVE_INFINITY],
    [''],
    ['MB'],
    ['5 apples'],
    ['-5MB'],
    ['1e3MB'],
    ['1,5GB'],
    ['0MB'],
    ['Auto'],
    [{}],
    [null],
    [true],
    [10n],
  ])('%s is none', (memory) => {
    const message = "Trainer: memory must be a positive number of bytes, a text such as '512MB', or 'auto'";
    expect(() => Reflect.apply(resolveMemory, undefined, ['Trainer', memory])).toThrow(message);
  });

  it('is checked where it is given', () => {
    const message =
      "memory must be a positive number of bytes, a text such as '512MB', or 'auto', got 5 apples";
    const options = { loss: nn.mseLoss, optimizer: optim.sgd({ lr: 1 }), memory: '5 apples' };
    expect(() => new Trainer(new nn.Linear(1, 1), options)).toThrow(`Trainer: ${message}`);
    expect(() => compile((x: Tensor) => x, { memory: '5 apples' })).toThrow(`compile: ${message}`);
  });

  it.each<[number, string]>([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.00 kB'],
    [999_499, '999 kB'],
    [999_500, '1.00 MB'],
    [512e6, '512 MB'],
    [1.2345e9, '1.23 GB'],
    [4e15, '4.00e+3 TB'],
  ])('of %i bytes is written as %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });
});

describe('a budget beyond what the process may use', () => {
  it('is refused with both numbers, wherever it is given', async () => {
    const { bytes } = usableMemory();
    const rule =
      /^(\w+): memory must be at most \d+ bytes \(.*\): .* that much, got 900000000000000 bytes \(900 TB\)$/;
    const trainer = new Trainer(new nn.Linear(1, 1), { loss: nn.mseLoss, optimizer: optim.sgd({ lr: 1 }) });
    const train = data.fromArrays([[1]], [[1]]);
    const memory = '900TB';
    const calls = {
      compile: () => compile((x: Tensor) => x, { memory }),
      plan: () => trainer.plan(train, { memory }),
      maxBatch: () => trainer.maxBatch(train, { memory }),
      pace: () => trainer.pace(train, { memory }),
      fit: () =>
        new Trainer(new nn.Linear(1, 1), { loss: nn.mseLoss, optimizer: optim.sgd({ lr: 1 }), memory })
          .fit(train)
          .next(),
    };
    for (const [name, call] of Object.entries(calls)) {
      const error = await failure((async () => await call())());
      expect(rule.exec(error.message)?.[1]).toBe(name);
      expect(error).toMatchObject({ code: 'ERR_CHAINRULE_BUDGET' });
    }
    expect(resolveMemory('fit', bytes)).toEqual({ bytes });
    expect(() => resolveMemory('fit', bytes + 1)).toThrow('fit: memory must be at most');
  });
});
