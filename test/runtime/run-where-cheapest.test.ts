import { compile, tensor } from 'chainrule';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type Addon, addon } from '#lib/runtime/addon.js';

afterEach(() => vi.restoreAllMocks());

describe('a compiled function', () => {
  it('hops to another thread until its run is known to be brief, and again when it no longer is', async () => {
    const double = compile((x) => x.mul(2));
    const here = vi.spyOn(addon(), 'run');
    const away = vi.spyOn(addon(), 'runAsync');
    const took =
      (milliseconds: number) =>
      async (...args: Parameters<Addon['runAsync']>) => {
        addon().runTimed(args[0], args[1], args[2], new Float64Array(1));
        return milliseconds;
      };

    away.mockImplementationOnce(took(5)).mockImplementationOnce(took(0.01));
    for (const x of [1, 2]) expect(await (await double(tensor([x]))).toArray()).toEqual([2 * x]);
    expect([away.mock.calls.length, here.mock.calls.length]).toEqual([2, 0]);

    expect(await (await double(tensor([3]))).toArray()).toEqual([6]);
    expect([away.mock.calls.length, here.mock.calls.length]).toEqual([2, 1]);

    const clock = vi.spyOn(performance, 'now').mockReturnValueOnce(0).mockReturnValueOnce(7);
    await double(tensor([4]));
    clock.mockRestore();
    expect(await (await double(tensor([5]))).toArray()).toEqual([10]);
    expect([away.mock.calls.length, here.mock.calls.length]).toEqual([3, 2]);
  });
});

describe('a value that is there', () => {
  it('is copied, and no plan is made for it', async () => {
    const made = vi.spyOn(addon(), 'createPlan');
    const x = tensor([1, 2, 3]);
    const [first, second] = [await x.data(), await x.data()];
    first[0] = 9;
    expect([...second]).toEqual([1, 2, 3]);
    expect(made).not.toHaveBeenCalled();
  });
});
