import {
  assign,
  ChainruleError,
  compile,
  full,
  grad,
  matmul,
  nn,
  ones,
  optim,
  type Tensor,
  tensor,
} from 'chainrule';
import { describe, expect, it } from 'vitest';
import { Executable } from '#lib/runtime/executable.js';
import { failure, valuesOf, variable } from '../helpers/graphs.js';

/** The line of this file that a stack comes through first. */
function lineOf(error: Error): number {
  const [, line] = /compile-errors\.test\.ts:(\d+):/.exec(error.stack ?? '') ?? [];
  return Number(line);
}

const numbers = async (x: Tensor) => Array.from(await x.data());

describe('errors of a compiled function', () => {
  it('show the line of the op in the user’s function', async () => {
    const mark = { line: 0 };
    const fn = compile((x: Tensor) => {
      mark.line = lineOf(new Error());
      return x.matmul(x);
    });
    const error = await failure(fn([[1, 2, 3]]));
    expect(error).toBeInstanceOf(ChainruleError);
    expect(error.message).toBe('matmul: inner dimensions differ, [1,3] x [1,3]');
    expect(lineOf(error)).toBe(mark.line + 1);
  });

  it('show the line of a bad argument', async () => {
    const fn = compile((x: Tensor) => x);
    const here = lineOf(new Error());
    const error = await failure(fn([[1], [2, 3]]));
    expect(error.message).toMatch(/^tensor: every list on axis 1 must have 1 entries/);
    expect(lineOf(error)).toBe(here + 1);
  });

  it('name the dtypes that differ', async () => {
    const w = variable([2]);
    const fn = compile((x: Tensor) => x.mul(w));
    expect((await failure(fn(Float64Array.of(1, 2)))).message).toMatch(
      /^mul: dtypes differ, float64 and float32/,
    );
    expect((await failure(fn(Int32Array.of(1, 2)))).message).toMatch(
      /^mul: dtypes differ, int32 and float32/,
    );
    expect(await numbers(await fn([1, 2]))).toEqual([1, 4]);
  });

  it('refuse results that are no tensors', async () => {
    const wrong: [unknown, RegExp][] = [
      [3, /^compile: the function must return tensors.*got 3/],
      ['x', /^compile: the function must return tensors/],
      [null, /^compile: the function must return tensors.*got null/],
      [[1], /^compile: the function must return tensors/],
      [Promise.resolve(tensor(1)), /^compile: the function must return tensors.*got an instance of Promise/],
      [new Float32Array(2), /^compile: the function must return tensors/],
    ];
    for (const [result, message] of wrong) {
      const error = await failure(compile(() => result as Tensor)());
      expect(error.message).toMatch(message);
    }
  });

  it('refuse the value of a tensor that depends on an argument', async () => {
    let leaked: Tensor = ones([]);
    await compile((x: Tensor) => {
      leaked = x.mul(2);
      return x;
    })([1, 2]);
    expect((await failure(leaked.data())).message).toBe(
      'data: the tensor depends on an argument of a function being compiled; return it instead',
    );
    const error = await failure(compile((y: Tensor) => leaked.add(y))([1, 2]));
    expect(error.message).toMatch(/depends on an argument of another function/);
  });

  it('say where assign and step may be used', () => {
    const w = variable([2]);
    expect(() => assign(w, w.add(1))).toThrow(/^assign: can only be used inside a function given to compile/);
    expect(() => optim.adam().step([w], [w])).toThrow(/^adam.step: can only be used inside/);
  });

  it('of assignments that do not fit name shape and dtype', async () => {
    const w = variable([2]);
    const set = (value: Tensor) =>
      failure(
        compile(() => {
          assign(w, value);
          return w;
        })(),
      );
    expect((await set(ones([3]))).message).toBe('assign: shape must be [2], got [3]');
    expect((await set(ones([2], 'float64'))).message).toBe('assign: dtype must be float32, got float64');
    expect(valuesOf(w)).toEqual([1, 2]);
  });

  it('of a label out of range name it, and leave every variable as it was', async () => {
    const [w, counter] = [variable([4, 10]), variable([], [0])];
    const optimizer = optim.adam({ lr: 0.1 });
    const step = compile((x: Tensor, labels: Tensor) => {
      // Traced first: it must wait for the labels all the same.
      assign(counter, counter.add(1));
      const loss = nn.crossEntropy(x.matmul(w), labels);
      optimizer.step([w], grad(loss, [w]));
      return loss;
    });
    const x = ones([5, 4]);
    await step(x, Int32Array.of(1, 2, 3, 4, 5));
    const before = valuesOf(w);
    const error = await failure(step(x, Int32Array.of(1, 2, 3, 12, 5)));
    expect(error.message).toBe('crossEntropy: index 12 at position 3 is outside 0..9');
    expect((await failure(step(x, Int32Array.of(-1, 2, 3, 4, 5)))).message).toMatch(/index -1 at position 0/);
    expect(valuesOf(w)).toEqual(before);
    expect(valuesOf(counter)).toEqual([1]);
    expect(optimizer.steps).toBe(1);
    await step(x, Int32Array.of(1, 2, 3, 4, 5));
    expect(valuesOf(counter)).toEqual([2]);
  });

  it('of a look-up out of range leave a table as it was', async () => {
    const table = variable([3, 2]);
    const step = compile((rows: Tensor) => {
      const picked = table.gather(rows);
      const [gradient] = grad(picked.square().sum(), [table]) as [Tensor];
      assign(table, table.sub(gradient.mul(0.1)));
      return picked;
    });
    const error = await failure(step(Int32Array.of(0, 3)));
    expect(error.message).toBe('gather: index 3 at position 1 is outside 0..2');
    expect(valuesOf(table)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it.each<[string, (table: Tensor, rows: Tensor) => Tensor]>([
    ['is looked up', (table, rows) => table.gather(rows)],
    ['adds up rows', (table, rows) => grad(table.gather(rows).sum(), [table])[0] as Tensor],
  ])('of a step that fails halfway leave the variable that it %s for', async (_, next) => {
    const [table, target] = [variable([3, 2]), variable([3, 2])];
    const step = compile((rows: Tensor) => {
      assign(target, next(table, rows));
      return rows;
    });
    await step(Int32Array.of(2, 2, 1));
    const before = valuesOf(target);
    expect((await failure(step(Int32Array.of(0, 1, 3)))).message).toMatch(
      /index 3 at position 2 is outside 0\.\.2/,
    );
    expect(valuesOf(target)).toEqual(before);
  });
});

describe('a plan that does not fit into memory', () => {
  const works = async () => expect(await tensor([1, 2]).add(1).toArray()).toEqual([2, 3]);

  it.each<[string, () => Tensor]>([
    ['result', () => full([1e12], 1).add(ones([1e12]))],
    [
      'intermediate value',
      () =>
        matmul(full([1e6, 1], 1), full([1, 1e6], 2))
          .transpose()
          .matmul(ones([1e6, 1])),
    ],
  ])('is an error for its %s, and costs nothing', async (_, make) => {
    const error = await failure(make().data());
    expect(error).toBeInstanceOf(ChainruleError);
    expect(error.message).toMatch(/not enough memory|cannot allocate \d+ bytes/);
    await works();
    expect((await failure(compile(() => make())())).message).toMatch(
      /not enough memory|cannot allocate \d+ bytes/,
    );
    await works();
  });

  it('is refused for its outputs as for its arena, before any of it is taken', () => {
    const plan = { steps: [], blocks: [], arenaBytes: 0, flops: 0, recomputedFlops: 0 };
    const output = { kind: 'output', name: 'y', dtype: 'float32', shape: [1e14], bytes: 4e14 } as const;
    expect(() => new Executable({ ...plan, bindings: [output] })).toThrow(/^plan: not enough memory/);
    expect(() => new Executable({ ...plan, bindings: [], arenaBytes: 4e14 })).toThrow(
      /^plan: not enough memory/,
    );
  });
});

describe('compile refuses', () => {
  const refused = (...args: readonly unknown[]) => expect(() => Reflect.apply(compile, undefined, args));
  const same = (x: Tensor) => x;

  it('what is no function, unknown options and surplus arguments', () => {
    refused().toThrow('compile: fn must be a function of tensors, got undefined');
    refused(class Net {}).toThrow('compile: fn must be a function of tensors, got function Net');
    refused(same, { memoryLimit: 1e9 }).toThrow('compile: unknown option memoryLimit; did you mean memory?');
    refused(same, { seed: 0.5 }).toThrow('compile: seed must be an integer, got 0.5');
    refused(same, {}, { seed: 1 }).toThrow('compile: takes fn and options alone, got an object');
  });

  it('a result that holds itself', async () => {
    const result: unknown[] = [];
    result.push({ result });
    await expect(compile(() => result as never)()).rejects.toThrow(
      'compile: the function must not return an array or object within itself',
    );
    const shared = [tensor([1])];
    expect(await compile(() => ({ a: shared, b: shared }))()).toHaveProperty('b');
  });
});
