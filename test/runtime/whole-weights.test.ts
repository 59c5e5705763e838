import { pbkdf2 } from 'node:crypto';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { promisify } from 'node:util';
import { assign, compile, dataParallel, grad, nn, optim, type Tensor, tensor } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { Claim } from '#lib/runtime/access/claim.js';
import { Gate } from '#lib/runtime/access/gate.js';
import { writing } from '#lib/runtime/access/lock.js';
import { useFolder } from '../helpers/folder.js';
import { failure } from '../helpers/graphs.js';

const folder = useFolder();

/** Layers whose run takes long enough that a change of the weights would meet it half way. */
const deep = (seed: number) =>
  new nn.Sequential(...Array.from({ length: 12 }, () => new nn.Linear(256, 256))).init(seed);

const batch = tensor(new Float32Array(256 * 256).fill(0.1), { shape: [256, 256] });

/** A pair of equal parameters. */
class Twins extends nn.Module {
  a: nn.Parameter;
  b: nn.Parameter;

  constructor(size = 8) {
    super();
    this.a = new nn.Parameter([size], { init: nn.init.zeros });
    this.b = new nn.Parameter([size], { init: nn.init.zeros });
  }

  forward(x: Tensor): Tensor {
    return x.mul(this.a.sub(this.b).sum());
  }
}

/** Assigns, and returns no result. */
function set(variable: nn.Parameter, value: Tensor): undefined {
  assign(variable, value);
  return undefined;
}

/** True if a promise is pending after a few turns of the event loop. */
async function isPending(promise: Promise<unknown>): Promise<boolean> {
  let pending = true;
  void promise.then(
    () => {
      pending = false;
    },
    () => {
      pending = false;
    },
  );
  for (let i = 0; i < 20; i++) await turn();
  return pending;
}

const bits = async (x: Tensor) => Buffer.from((await x.data()).buffer).toString('base64');

describe('weights that are loaded', () => {
  it('are seen by a call as they were when it began, or as they are in the file', async () => {
    const [a, b] = [join(folder(), 'a.safetensors'), join(folder(), 'b.safetensors')];
    await deep(1).save(a);
    await deep(2).save(b);
    const model = deep(1);
    const predict = compile((x: Tensor) => model.forward(x));
    const of = async () => bits(await predict(batch));
    const wholeA = await of();
    await model.load(b);
    const wholeB = await of();
    const seen = new Set<string>();
    for (let i = 0; i < 12; i++) {
      const loading = model.load(i % 2 ? b : a);
      for (const value of await Promise.all([of(), of(), of()])) seen.add(value);
      await loading;
    }
    expect([...seen].filter((value) => value !== wholeA && value !== wholeB)).toEqual([]);
    expect(wholeA).not.toBe(wholeB);
  });

  it('wait for the assignments of a compiled function, which nobody sees half made', async () => {
    const model = new Twins(2 ** 20);
    const step = compile(() => {
      set(model.a, model.a.add(1));
      return set(model.b, model.b.add(1));
    });
    const difference = compile((x: Tensor) => model.forward(x));
    await step();
    const running = Array.from({ length: 10 }, () => step());
    const seen: number[] = [];
    for (let i = 0; i < 10; i++) seen.push(await (await difference(tensor([1]))).item());
    await Promise.all(running);
    expect(seen).toEqual(new Array(10).fill(0));
  });

  it('are saved whole while a compiled function changes them', async () => {
    const model = new Twins(2 ** 20);
    const step = compile(() => {
      set(model.a, model.a.add(1));
      return set(model.b, model.b.add(1));
    });
    const running = Array.from({ length: 6 }, () => step());
    const path = join(folder(), 'twins.safetensors');
    await model.save(path);
    await Promise.all(running);
    const read = new Twins(2 ** 20);
    await read.load(path);
    expect(await read.a.sub(read.b).abs().max().item()).toBe(0);
  });
});

describe('variables that another call writes', () => {
  it('are read once it is done', async () => {
    const { a } = new Twins();
    let done = () => {};
    const write = writing('test', [a], () => new Promise<void>((resolve) => (done = resolve)));
    await turn();
    const reading = a.data();
    expect(await isPending(reading)).toBe(true);
    done();
    await write;
    expect([...(await reading)]).toEqual(new Array(8).fill(0));
  });

  it('are written by one after the other, also where two calls read what the other writes', async () => {
    const { a, b } = new Twins();
    const [toA, toB] = [compile(() => set(a, b.add(1))), compile(() => set(b, a.add(1)))];
    for (let i = 0; i < 20; i++) await Promise.all([toA(), toB()]);
    const values = [(await a.data())[0], (await b.data())[0]].map(Number);
    expect(Math.abs((values[0] as number) - (values[1] as number))).toBe(1);
    expect(Math.max(...values)).toBe(40);
  });
});

describe('variables that a call claims', () => {
  async function claimed(variables: readonly nn.Parameter[]) {
    const claim = new Claim('fit');
    claim.take(variables);
    const gate = new Gate();
    await claim.share(gate);
    return { claim, gate };
  }

  it('are refused to other writers, until it is at rest or has ended', async () => {
    const model = new Twins();
    const { a, b } = model;
    const path = join(folder(), 'held.safetensors');
    await model.save(path);
    const { claim } = await claimed([a, b]);
    const busy = (op: string) =>
      new RegExp(`^${op}: .* is being trained by (a|another) call of fit; wait for its end`);
    const loss = () => a.square().sum();
    const step = compile(() => {
      const value = loss();
      optim.sgd({ lr: 1 }).step([a], grad(value, [a]));
      return value;
    });
    const parallel = dataParallel(
      (x: Tensor) => {
        const value = x.mul(a.sum()).mean();
        optim.sgd({ lr: 1 }).step([a], grad(value, [a]));
        return value;
      },
      { workers: 1 },
    );
    const refused = () =>
      Promise.all([
        failure(model.load(path)),
        failure(compile(() => set(a, a.add(1)))()),
        failure(step()),
        failure(parallel([[1], [2]])),
        failure(optim.lbfgs().step([a], loss)),
      ]);
    const ops = ['load', 'compile', 'compile', 'dataParallel', 'lbfgs'];
    const messages = (await refused()).map(({ message }) => message);
    messages.forEach((message, i) => {
      expect(message).toMatch(busy(ops[i] as string));
    });
    claim.rest();
    await model.load(path);
    await step();
    await claim.resume();
    expect((await failure(model.load(path))).message).toMatch(busy('load'));
    claim.release();
    await model.load(path);
    await step();
    await parallel.close();
  });

  it('are read between two updates', async () => {
    const { a } = new Twins();
    const { claim, gate } = await claimed([a]);
    gate.close(1, () => true);
    const reading = a.data();
    expect(await isPending(reading)).toBe(true);
    gate.open();
    await reading;
    claim.release();
  });

  it('are read in their own memory by a short run, and in a copy by a long one, which holds up no update', async () => {
    const model = deep(1);
    const { claim, gate } = await claimed(model.parameters());
    const predict = compile((x: Tensor) => model.forward(x));
    const before = await bits(await predict(batch));
    const running = predict(batch);
    await turn();
    gate.close(1, () => true);
    const readers = new Int32Array(gate.buffer, 0, 1);
    while (Atomics.load(readers, 0) > 0) await turn();
    // The run that has copied goes on.
    for (const { storage } of model.parameters()) storage.data.fill(0);
    gate.open();
    expect(await bits(await running)).toBe(before);
    expect(await bits(await predict(batch))).not.toBe(before);
    claim.release();
  });

  it('are read on this thread if they are few, however busy the pool is', async () => {
    const { a } = new Twins();
    const { claim } = await claimed([a]);
    const busy = Array.from({ length: 8 }, () => promisify(pbkdf2)('a', 'b', 200_000, 64, 'sha512'));
    const first = await Promise.race([
      a.data().then(() => 'data'),
      ...busy.map((run) => run.then(() => 'pool')),
    ]);
    expect(first).toBe('data');
    claim.release();
    await Promise.all(busy);
  });

  it('are copied whole also if the training ends meanwhile', async () => {
    const model = deep(1);
    const { claim, gate } = await claimed(model.parameters());
    const predict = compile((x: Tensor) => model.forward(x));
    const before = await bits(await predict(batch));
    const running = predict(batch);
    const readers = new Int32Array(gate.buffer, 0, 1);
    while (Atomics.load(readers, 0) === 0) await turn();
    claim.release();
    await writing('test', model.parameters(), () => {
      for (const { storage } of model.parameters()) storage.data.fill(0);
    });
    expect(await bits(await running)).toBe(before);
  });

  it('are written by the call that claims them while a reader waits for their gate', async () => {
    const { a } = new Twins();
    const { claim, gate } = await claimed([a]);
    gate.close(1, () => true);
    const reading = a.data();
    expect(await isPending(reading)).toBe(true);
    // As after a step that failed before it opened the gate.
    await claim.writing([a], () => a.storage.data.fill(2));
    expect(await isPending(reading)).toBe(true);
    claim.release();
    expect([...(await reading)]).toEqual(new Array(8).fill(2));
  });

  it('let a call that reads what two others train wait for both', async () => {
    const [one, two] = [new Twins(), new Twins()];
    const claims = [await claimed([one.a]), await claimed([two.a])];
    const both = compile(() => one.a.add(two.a));
    claims[1]?.gate.close(1, () => true);
    const reading = both();
    expect(await isPending(reading)).toBe(true);
    // The first gate is not kept from closing by a reader that waits for the second.
    claims[0]?.gate.close(1, () => expect.unreachable());
    claims[1]?.gate.open();
    expect(await isPending(reading)).toBe(true);
    claims[0]?.gate.open();
    await reading;
    for (const { claim } of claims) claim.release();
  });

  it('are refused to readers if a step was left half done, until others are loaded', async () => {
    const model = new Twins();
    const { a, b } = model;
    const path = join(folder(), 'whole.safetensors');
    await model.save(path);
    const { claim, gate } = await claimed([a, b]);
    gate.close(1, () => true);
    const waiting = failure(a.data());
    await turn();
    claim.breakUp('a part of a step was made');
    claim.release();
    const refusal = 'data: a is not to be used: a part of a step was made';
    expect((await waiting).message).toBe(refusal);
    expect((await failure(a.data())).message).toBe(refusal);
    expect((await failure(model.save(path))).message).toMatch(/^save: a is not to be used/);
    expect((await failure(compile(() => set(a, a.add(1)))())).message).toMatch(/^compile: a is not/);
    const old = a.storage.data;
    await model.load(path);
    expect([...(await a.data())]).toEqual(new Array(8).fill(0));
    // A thread that did not end may still write there.
    expect(a.storage.data).not.toBe(old);
  });
});

describe('lbfgs', () => {
  it('shows none of the points that it tries', async () => {
    const { a } = new Twins();
    a.storage.data.fill(3);
    const lbfgs = optim.lbfgs({ lineSearch: 'strongWolfe', maxIterations: 4 });
    const seen = new Set<string>();
    let over = false;
    const reader = (async () => {
      while (!over) {
        seen.add([...(await a.data())].join());
        await turn();
      }
    })();
    const before = [...a.storage.data].join();
    await lbfgs.step([a], () => a.sub(1).square().square().sum());
    const after = [...a.storage.data].join();
    over = true;
    await reader;
    expect([...seen].filter((values) => values !== before && values !== after)).toEqual([]);
    expect(after).not.toBe(before);
  });
});
