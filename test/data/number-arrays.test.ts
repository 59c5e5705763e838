import { compile, data, nn, optim, Trainer, tensor } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { collect } from '../helpers/training.js';

/** Arrays with the values 1, 2, 3 and 4, and the dtype that they are stored in. */
const arrays = [
  ['Int8Array', Int8Array.of(1, 2, 3, 4), 'int32'],
  ['Int16Array', Int16Array.of(1, 2, 3, 4), 'int32'],
  ['Uint16Array', Uint16Array.of(1, 2, 3, 4), 'int32'],
  ['Uint32Array', Uint32Array.of(1, 2, 3, 4), 'int32'],
  ['BigInt64Array', BigInt64Array.of(1n, 2n, 3n, 4n), 'int32'],
  ['BigUint64Array', BigUint64Array.of(1n, 2n, 3n, 4n), 'int32'],
  ['Uint8ClampedArray', Uint8ClampedArray.of(1, 2, 3, 4), 'uint8'],
  ['Uint8Array', Uint8Array.of(1, 2, 3, 4), 'uint8'],
  ['Float64Array', Float64Array.of(1, 2, 3, 4), 'float64'],
  ['Float32Array', Float32Array.of(1, 2, 3, 4), 'float32'],
] as const;
const dtypes = ['float32', 'float64', 'int32', 'uint8'] as const;
const values = [1, 2, 3, 4];

describe.each(arrays)('a %s', (_, array, dtype) => {
  it('is taken by tensor(), in its own dtype and in any other', async () => {
    const own = tensor(array, { shape: [2, 2] });
    expect([own.dtype, await own.toArray()]).toEqual([
      dtype,
      [
        [1, 2],
        [3, 4],
      ],
    ]);
    for (const other of dtypes) {
      const converted = tensor(array, { dtype: other });
      expect([converted.dtype, [...(await converted.data())]]).toEqual([other, values]);
    }
  });

  it('is taken by fromArrays, for inputs and targets, alone, as rows, and with a shape', () => {
    const alone = data.fromArrays(array, array, { inputs: { shape: [1] } });
    expect([alone.inputs.dtype, [...alone.inputs.data]]).toEqual([dtype, values]);
    expect([alone.targets.dtype, [...alone.targets.data]]).toEqual([dtype, values]);
    const rows = data.fromArrays([array, array], [0, 1]);
    expect([rows.inputs.dtype, [...rows.inputs.data]]).toEqual([dtype, [...values, ...values]]);
    const shaped = data.fromArrays({ data: array, shape: [2, 2] }, [0, 1]);
    expect([shaped.inputs.dtype, shaped.inputs.shape, [...shaped.inputs.data]]).toEqual([dtype, [2], values]);
    for (const other of dtypes) {
      const options = { inputs: { shape: [1], dtype: other }, targets: { dtype: other } };
      const converted = data.fromArrays(array, array, options);
      expect([converted.inputs.dtype, [...converted.inputs.data]]).toEqual([other, values]);
      expect([converted.targets.dtype, [...converted.targets.data]]).toEqual([other, values]);
      const named = data.fromArrays({ data: array, shape: [4, 1], dtype: other }, [0, 1, 2, 3]);
      expect([named.inputs.dtype, [...named.inputs.data]]).toEqual([other, values]);
      const nested = data.fromArrays([array], [0], { inputs: { dtype: other } });
      expect([nested.inputs.dtype, [...nested.inputs.data]]).toEqual([other, values]);
    }
  });

  it('is taken by compiled functions, predict and streams', async () => {
    const twice = compile((x) => x.add(x));
    expect([...(await (await twice(array)).data())]).toEqual([2, 4, 6, 8]);
    twice.release();
    const model = new nn.Lambda((x) => x.to('float32').reshape([-1, 1]).mul(3));
    const whole = new nn.Sequential(
      model,
      new nn.Linear(1, 1, { init: nn.init.ones, biasInit: nn.init.zeros }),
    );
    const trainer = new Trainer(whole, { loss: nn.mseLoss, optimizer: optim.sgd({ lr: 0 }), workers: 1 });
    expect([...(await (await trainer.predict(array)).data())]).toEqual([3, 6, 9, 12]);
    const stream = data.stream(
      function* () {
        yield { inputs: array, target: array };
      },
      { inputs: { shape: [4] }, targets: { shape: [4], dtype: 'float32' } },
    );
    const linear = new nn.Linear(4, 4, { init: nn.init.zeros, biasInit: nn.init.zeros });
    const mine = new Trainer(linear, { loss: nn.mseLoss, optimizer: optim.sgd({ lr: 0 }), workers: 1 });
    const [epoch] = await collect(mine.fit(stream, { batchSize: 1 }));
    expect(epoch?.loss).toBe((1 + 4 + 9 + 16) / 4);
  });
});

describe('values that do not fit', () => {
  it('are named', () => {
    expect(() => tensor(BigInt64Array.of(1n, 2n ** 40n))).toThrow(
      'tensor: value at position 1 must be an int32 number, got 1099511627776n',
    );
    expect(() => tensor(BigInt64Array.of(2n ** 60n), { dtype: 'float64' })).toThrow(
      'tensor: value at position 0 must be an integer that a float holds exactly, got 1152921504606846976n',
    );
    expect(() => tensor(Uint32Array.of(4e9))).toThrow(
      'value at position 0 must be an int32 number, got 4000000000',
    );
    expect(() => tensor(Int8Array.of(1, -1), { dtype: 'uint8' })).toThrow(
      'tensor: value at position 1 must be a uint8 number, got -1',
    );
    expect(() => tensor(new DataView(new ArrayBuffer(8)) as never)).toThrow(
      'tensor: values must be in an array of numbers, such as a Float32Array, got DataView of 8 bytes',
    );
    const fromInt16 = (dtype: 'uint8' | 'bool') =>
      data.fromArrays(Int16Array.of(1, 300), [0, 1], { inputs: { shape: [1], dtype } });
    expect(() => fromInt16('uint8')).toThrow(
      'sample 1 of inputs must hold uint8 integers from 0 to 255, got 300',
    );
    expect(() => fromInt16('bool')).toThrow(
      'sample 1 of inputs must hold bool integers from 0 to 1, got 300',
    );
  });

  it('are no matter where a float is asked for', async () => {
    expect(await tensor(Uint32Array.of(4e9), { dtype: 'float64' }).toArray()).toEqual([4e9]);
    expect(await tensor(BigInt64Array.of(2n ** 40n), { dtype: 'float64' }).toArray()).toEqual([2 ** 40]);
  });
});
