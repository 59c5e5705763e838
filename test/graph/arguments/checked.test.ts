import { type Tensor, tensor } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { checked, checkMethods, rest, signatureOf } from '#lib/graph/arguments/checked.js';
import { either, listOf, optional } from '#lib/graph/arguments/kind.js';
import * as kinds from '#lib/graph/arguments/kinds.js';

const twice = checked(
  'twice',
  { x: kinds.number, times: optional(kinds.count) },
  (x: number, times = 2) => x * times,
);
const call = (fn: unknown, ...args: readonly unknown[]): unknown =>
  (fn as (...a: readonly unknown[]) => unknown)(...args);

describe('checked', () => {
  it('calls the function, whose optional arguments may be left out or undefined', () => {
    expect([twice(3), twice(3, 4), twice(3, undefined)]).toEqual([6, 12, 6]);
  });

  it('names the function, the argument, what it should be and what it is', () => {
    expect(() => call(twice)).toThrow('twice: x must be a number, got undefined');
    expect(() => call(twice, '3')).toThrow("twice: x must be a number, got '3'");
    expect(() => call(twice, 3, 0)).toThrow('twice: times must be a positive integer, got 0');
    expect(() => call(twice, 3, null)).toThrow('twice: times must be a positive integer, got null');
  });

  it('refuses surplus arguments', () => {
    expect(() => call(twice, 1, 2, { inplace: true })).toThrow(
      'twice: takes x and times alone, got an object',
    );
    expect(() =>
      call(
        checked('nothing', {}, () => 0),
        1,
      ),
    ).toThrow('nothing: takes no arguments, got 1');
  });

  it('may be handed to the methods of arrays', () => {
    const square = checked('square', { x: kinds.number }, (x: number) => x * x);
    const plus = checked('plus', { a: kinds.number, b: kinds.number }, (a: number, b: number) => a + b);
    expect([1, 2, 3].map(square)).toEqual([1, 4, 9]);
    expect([1, 2, 3].reduce(plus)).toBe(6);
    // The index is not taken for an optional argument.
    expect([3, 3].map(twice)).toEqual([6, 6]);
    const rows = [[1], [2, 3]].map(tensor as (values: number[]) => Tensor);
    expect(rows.map(({ shape }) => shape)).toEqual([[1], [2]]);
    expect(() => call(square, 1, 0, [2])).toThrow('square: takes x alone, got 0');
  });

  it('refuses surplus arguments that cannot be an index', () => {
    expect(() => call(twice, 1, 2, [Symbol('index')], [])).toThrow('twice: takes x and times alone, got');
  });

  it('has the stack of the caller', () => {
    const stack = (() => {
      try {
        call(twice, 'x');
      } catch (error) {
        return (error as Error).stack?.split('\n')[1];
      }
      return undefined;
    })();
    expect(stack).toContain('at call');
  });

  it('checks each of the arguments that a last parameter takes', () => {
    const total = checked('total', { first: kinds.number, more: rest(kinds.number) }, (...all: number[]) =>
      all.reduce((a, b) => a + b),
    );
    expect([total(1), total(1, 2, 3)]).toEqual([1, 6]);
    expect(() => call(total, 1, 2, 'x')).toThrow('total: more must be a number, got x');
    expect(() => call(total)).toThrow('total: first must be a number');
  });

  it('rejects where the function is asynchronous, and fails at the first step of a generator', async () => {
    const later = checked('later', { x: kinds.number }, async (x: number) => x);
    await expect(call(later, 'x')).rejects.toThrow('later: x must be a number, got x');
    const steps = checked('steps', { x: kinds.number }, async function* (x: number) {
      yield x;
    });
    await expect((call(steps, 'x') as AsyncGenerator).next()).rejects.toThrow('steps: x must be a number');
  });

  it('keeps the name and the signature', () => {
    expect(twice.name).toBe('twice');
    expect(Object.keys(signatureOf(twice)?.parameters ?? {})).toEqual(['x', 'times']);
  });
});

describe('checkMethods', () => {
  class Counter {
    total = 0;
    add(by: number): this {
      this.total += by;
      return this;
    }
  }
  checkMethods(Counter, { add: { by: kinds.integer() } }, (method) => `Counter.${method}`);

  it('checks the arguments of methods, which keep their object', () => {
    expect(new Counter().add(2).add(3).total).toBe(5);
    expect(() => call(Reflect.get(new Counter(), 'add').bind(new Counter()), 0.5)).toThrow(
      'Counter.add: by must be an integer, got 0.5',
    );
  });

  it('knows only methods of the class itself', () => {
    const methods = { total: {} } as never;
    expect(() => checkMethods(Counter, methods)).toThrow('Counter has no method total of its own');
  });
});

describe('kinds', () => {
  const axesKind = kinds.axes;
  it('takes one of several kinds', () => {
    const list = checked('list', { axes: axesKind }, (a: unknown) => a);
    expect(list([0, 1])).toEqual([0, 1]);
    expect(() => call(list, { axis: 1 })).toThrow(
      'list: axes must be an integer or an array of integers; write its value alone instead of { axis: ... }, got an object',
    );
  });

  it('says which entry of an array is wrong inside', () => {
    const kind = listOf(either(kinds.tensor, kinds.number), 'operands', 2);
    const two = checked('two', { pair: kind }, (pair: readonly unknown[]) => pair.length);
    expect(two([tensor([1]), 1])).toBe(2);
    expect(() => call(two, [1])).toThrow('two: pair must be an array of 2 operands, got [1]');
  });

  it('takes a class for no function', () => {
    const run = checked('run', { fn: kinds.callback() }, (fn: () => unknown) => fn());
    expect(() => call(run, class {})).toThrow('run: fn must be a function');
    const classes = (classes: number = 3) => classes;
    expect(call(run, classes)).toBe(3);
  });
});
