import { compile, nn, type Tensor, tensor, uniform } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { type Context, context, outside, within } from '#lib/graph/context.js';
import { input } from '#lib/graph/leaf.js';
import { assign, isTracing, nextRandomKey, traced } from '#lib/graph/trace.js';

const inner: Context = {
  trace: undefined,
  scope: { parent: undefined },
  origin: { layer: 'a', phase: 'forward' },
};

describe('a context', () => {
  it('is that of the nodes made in it, and ends with the function', () => {
    const { scope, origin } = within(inner, () => input('x', [1]));
    expect({ scope, origin }).toEqual({ scope: inner.scope, origin: inner.origin });
    const { scope: none, origin: nowhere } = input('x', [1]);
    expect([none, nowhere]).toEqual([undefined, undefined]);
  });

  it('ends as well where the function throws, at any depth', () => {
    const failing = () => {
      throw new Error('x');
    };
    within(inner, () => {
      expect(() => traced(() => within({ ...context(), scope: undefined }, failing))).toThrow('x');
      expect(context()).toBe(inner);
    });
    expect(context()).toBe(outside);
  });

  it('does not outlive the first await of an asynchronous function, nor reach into one that runs meanwhile', async () => {
    const after = traced(async () => {
      expect(isTracing()).toBe(true);
      await null;
      return context();
    }).result;
    const beside = traced(async () => {
      await null;
      expect(() => assign(new nn.Buffer([1]), tensor([1]))).toThrow('can only be used inside a function');
      return context();
    }).result;
    expect(context()).toBe(outside);
    expect(await Promise.all([after, beside])).toEqual([outside, outside]);
  });
});

describe('a trace inside another', () => {
  it('has its origin, but neither its scope nor its effects', () => {
    const { result, trace } = traced(() =>
      within({ ...context(), scope: inner.scope, origin: inner.origin }, () => {
        const nested = traced(() => {
          nextRandomKey();
          return input('x', [1]);
        });
        return { nested, own: input('y', [1]) };
      }),
    );
    const { nested, own } = result;
    expect([nested.result.scope, nested.result.origin]).toEqual([undefined, inner.origin]);
    expect([own.scope, own.origin]).toEqual([inner.scope, inner.origin]);
    expect([nested.trace.randomNodes, trace.randomNodes]).toEqual([1, 0]);
  });

  it('is that of parameters which are initialised meanwhile: tracing again draws the same numbers', async () => {
    const init = (shape: readonly number[]) => uniform(shape);
    const parameter = new nn.Parameter([2], { init });
    const draw = () => {
      // The first trace initialises the parameter, the second finds it initialised.
      expect(parameter.storage.data).toHaveLength(2);
      return uniform([3]);
    };
    const [first, second] = [compile(draw), compile(draw)];
    expect(await ((await first()) as Tensor).data()).toEqual(await ((await second()) as Tensor).data());
  });
});
