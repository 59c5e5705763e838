import { assign, compile, nn, type Tensor, tensor, uniform } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { Claim } from '#lib/runtime/access/claim.js';
import { Gate } from '#lib/runtime/access/gate.js';
import { writing } from '#lib/runtime/access/lock.js';
import { failure } from '../helpers/graphs.js';

const weight = () => new nn.Parameter([4], { init: nn.init.ones });
const x = tensor([1, 2, 3, 4]);

/** True if a promise is resolved after one turn of the queue of microtasks. */
async function isDone(promise: Promise<unknown>): Promise<boolean> {
  let done = false;
  void promise.then(() => {
    done = true;
  });
  await Promise.resolve();
  return done;
}

/** Calls a function until its runs are known to be short. */
async function warmed<F extends (x: Tensor) => Promise<unknown>>(fn: F): Promise<F> {
  for (let i = 0; i < 5; i++) await fn(x);
  return fn;
}

describe('a short call', () => {
  it('runs at once where it has to wait for nothing', async () => {
    const w = weight();
    for (const options of [{}, { inference: true }]) {
      const fn = await warmed(compile((value: Tensor) => value.mul(w), options));
      expect(await isDone(fn(x))).toBe(true);
      expect([...(await (await fn(x)).data())]).toEqual([1, 2, 3, 4]);
    }
  });

  it('waits for whoever writes what it reads, and for a gate', async () => {
    const w = weight();
    const fn = await warmed(compile((value: Tensor) => value.mul(w)));
    let done = () => {};
    const write = writing('test', [w], () => new Promise<void>((resolve) => (done = resolve)));
    await Promise.resolve();
    const waiting = fn(x);
    expect(await isDone(waiting)).toBe(false);
    w.storage.data.fill(2);
    done();
    await write;
    expect([...(await (await waiting).data())]).toEqual([2, 4, 6, 8]);
    const claim = new Claim('fit');
    claim.take([w]);
    const gate = new Gate();
    await claim.share(gate);
    expect(await isDone(fn(x))).toBe(true);
    gate.close(1, () => expect.unreachable());
    const behind = fn(x);
    expect(await isDone(behind)).toBe(false);
    w.storage.data.fill(3);
    gate.open();
    expect([...(await (await behind).data())]).toEqual([3, 6, 9, 12]);
    claim.release();
  });

  it('comes after those that were made before', async () => {
    const w = weight();
    const double = await warmed(
      compile((value: Tensor) => {
        assign(w, w.mul(2));
        return value.mul(w);
      }),
    );
    const before = w.storage.data[0] as number;
    const pending = tensor([1, 1, 1, 1]).add(0);
    // The first argument is computed first, so that the second call waits in the queue.
    const calls = [double(pending), double(x), double(x)];
    const results = await Promise.all(calls.map(async (call) => (await (await call).data())[0]));
    expect(results).toEqual([before, 2 * before, 4 * before]);
    expect(w.storage.data[0]).toBe(8 * before);
  });

  it('draws the random numbers of its step', async () => {
    const drawn = async (count: number) => {
      const fn = compile((value: Tensor) => value.add(uniform([4])), { seed: 5 });
      const seen: string[] = [];
      for (let i = 0; i < count; i++) seen.push([...(await (await fn(x)).data())].join());
      return seen;
    };
    const seen = await drawn(12);
    expect(new Set(seen).size).toBe(12);
    expect(await drawn(12)).toEqual(seen);
  });

  it('rejects as another one does', async () => {
    const w = weight();
    const fn = await warmed(compile((value: Tensor) => value.mul(w)));
    const claim = new Claim('fit');
    claim.take([w]);
    claim.breakUp('a part of a step was made');
    claim.release();
    expect((await failure(fn(x))).message).toMatch(
      /^compile: .* is not to be used: a part of a step was made/,
    );
  });
});
