import { execFileSync } from 'node:child_process';
import * as cr from 'chainrule';
import { tensor } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { addon } from '#lib/runtime/addon.js';
import { hashIntegers } from '../helpers/random-graph/random.js';

const LEAST = -(2 ** 31);
const ends = [
  0,
  1,
  -1,
  2,
  -3,
  7,
  255,
  46341,
  -46341,
  65535,
  65536,
  -65537,
  123456789,
  2 ** 30,
  2 ** 31 - 1,
  LEAST,
];
const bytes = [0, 1, 2, 7, 15, 16, 17, 100, 127, 128, 200, 254, 255];
const pairs = (list: readonly number[]) => [list.flatMap((a) => list.map(() => a)), list.flatMap(() => list)];
const int32 = pairs(ends) as [number[], number[]];
const uint8 = pairs(bytes) as [number[], number[]];
const long = Array.from(hashIntegers(6000, 5, 2 ** 31), (v, i) => (i % 5 === 0 ? 2 ** 31 - 1 : v | 1));
const floats = [
  0, -0.9, 2.7, -2.7, 254.9, 300, -1, 2147483647, 2147483648, 3e9, -2147483648, -2147483649, -3e38,
];

/** Whole numbers with the lowest bits of a result that JavaScript has in full. */
const wrap = {
  int32: (x: bigint) => Number(BigInt.asIntN(32, x)),
  uint8: (x: bigint) => Number(BigInt.asUintN(8, x)),
};
const down = (a: number, b: number) => (b === 0 ? 0 : Math.floor(a / b));
const clip = (x: number) => Math.trunc(Math.min(Math.max(Number.isNaN(x) ? 0 : x, LEAST), 2 ** 31 - 1));

/** What each op makes of a and b, by definition. */
function expected(dtype: 'int32' | 'uint8', as: number[], bs: number[]): Record<string, number[]> {
  const by = wrap[dtype];
  const each = (f: (a: bigint, b: bigint) => bigint) =>
    as.map((a, i) => by(f(BigInt(a), BigInt(bs[i] as number))));
  const byte = (a: number) => Number(BigInt.asUintN(8, BigInt(a)));
  return {
    add: each((a, b) => a + b),
    sub: each((a, b) => a - b),
    mul: each((a, b) => a * b),
    neg: each((a) => -a),
    abs: each((a) => (a < 0n ? -a : a)),
    floorDiv: as.map((a, i) => by(BigInt(down(a, bs[i] as number)))),
    mod: as.map((a, i) => (bs[i] === 0 ? 0 : a - down(a, bs[i] as number) * (bs[i] as number) + 0)),
    chain: each((a, b) => (a * b + a - b) * a),
    compare: as.map((a, i) => {
      const [x, y] = [BigInt(a), BigInt(bs[i] as number)];
      return by(x + y) > by(x - y) ? 1 : 0;
    }),
    float: each((a, b) => a * b),
    scalar: each((a) => (a + 100n) * 77n),
    uint8: as.map((a, i) => byte(byte(a) + byte(bs[i] as number))),
  };
}

const sumOf = (values: readonly number[]) => wrap.int32(values.reduce((sum, v) => sum + BigInt(v), 0n));
const running = (values: readonly number[], f: (a: bigint, b: bigint) => bigint, start: bigint) => {
  let total = start;
  return values.map((v) => {
    total = BigInt.asIntN(32, f(total, BigInt(v)));
    return Number(total);
  });
};

describe('integers wrap around at the ends of their range', () => {
  const program = new URL('../helpers/programs/integer-overflow.mjs', import.meta.url).pathname;
  const given = JSON.stringify({ int32, uint8, long, floats: [...floats, 'NaN', 'Infinity', '-Infinity'] });
  const third = long.length / 3;
  const every = (start: number, step: number, count: number) =>
    Array.from({ length: count }, (_, i) => long[start + i * step] as number);
  const casts = [...floats, Number.NaN, Infinity, -Infinity];
  const added = running(long, (a, b) => a + b, 0n);
  const multiplied = running(long, (a, b) => a * b, 1n);

  it.each(addon().isas())('by %s', (isa) => {
    const env = { ...process.env, CHAINRULE_ISA: isa };
    const output = execFileSync(process.execPath, [program, given], { env, encoding: 'utf8' });
    const found = JSON.parse(output) as Record<string, number[]>;
    for (const [dtype, [a, b]] of Object.entries({ int32, uint8 })) {
      for (const [name, values] of Object.entries(expected(dtype as 'int32' | 'uint8', a, b))) {
        expect(found[`${dtype} ${name}`], `${dtype} ${name}`).toEqual(values);
      }
    }
    expect(found['sum of a row']).toEqual([sumOf(long)]);
    expect(found['sum of a column']).toEqual([sumOf(long)]);
    expect(found['sum of a columns']).toEqual([0, 1, 2].map((i) => sumOf(every(i, 3, third))));
    expect(found['sum of a short rows']).toEqual(
      Array.from({ length: third }, (_, i) => sumOf(every(3 * i, 1, 3))),
    );
    expect(found['sum of a wide']).toEqual(
      Array.from({ length: third }, (_, i) => sumOf(every(i, third, 3))),
    );
    expect(found.cumSum).toEqual(added);
    const columns = [0, 1, 2].map((i) => running(every(i, 3, third), (a, b) => a + b, 0n));
    expect(found['cumSum of columns']).toEqual(long.map((_, i) => columns[i % 3]?.[Math.floor(i / 3)]));
    expect(found.prod).toEqual([multiplied.at(-1)]);
    expect(found.cumProd).toEqual(multiplied);
    for (const dtype of ['float32', 'float64'] as const) {
      const whole = casts.map((x) => clip(dtype === 'float32' ? Math.fround(x) : x) + 0);
      expect(found[`${dtype} to int32`]).toEqual(whole);
      expect(found[`${dtype} to int32 and on`]).toEqual(whole.map((x) => wrap.int32(BigInt(x) + 1n)));
      expect(found[`${dtype} to uint8`]).toEqual(whole.map((x) => wrap.uint8(BigInt(x))));
    }
  });

  it('in sums of millions, which leave the numbers that float64 has in full', async () => {
    const most = cr.full([2 ** 23 + 1], 2 ** 31 - 1, 'int32');
    const count = 2n ** 23n + 1n;
    expect(await cr.sum(most.add(cr.zeros([1], 'int32'))).item()).toBe(wrap.int32(count * (2n ** 31n - 1n)));
  });

  it('where a plan is made of numbers alone', async () => {
    const big = cr.full([2], 65536, 'int32');
    expect([...(await big.mul(65535).data())]).toEqual([-65536, -65536]);
    expect([...(await cr.full([1], LEAST, 'int32').neg().data())]).toEqual([LEAST]);
  });

  it('and numbers beyond it are refused', () => {
    const x = tensor(Int32Array.of(1));
    expect(() => x.add(2 ** 31)).toThrow('add: value must be a int32 number, got 2147483648');
    expect(() => cr.full([1], -(2 ** 31) - 1, 'int32')).toThrow('full: value must be a int32 number');
    expect(() => x.to('uint8').sub(256)).toThrow('sub: value must be a uint8 number, got 256');
  });
});
