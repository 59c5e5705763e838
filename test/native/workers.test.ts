import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { addon } from '#lib/runtime/addon.js';
import { guarded, transpose } from '../helpers/addon-plans.js';

describe('worker threads', () => {
  /** A worker that has the addon, and posts what `body` returns. */
  const start = (body: string, workerData: object = {}) =>
    new Worker(
      `const { parentPort, workerData } = require('node:worker_threads');
       import('#lib/runtime/addon.js').then(({ addon }) => parentPort.postMessage((() => { ${body} })()));`,
      { eval: true, workerData },
    );

  const answer = (worker: Worker) =>
    new Promise<unknown>((resolve, reject) => worker.once('message', resolve).once('error', reject));

  const exit = (worker: Worker) => new Promise((resolve) => worker.once('exit', resolve));

  const shared = (length: number) => new Int32Array(new SharedArrayBuffer(4 * length));

  const meet = `
    const meet = () => {
      const ticket = addon().barrierArrive(state, parties);
      let outcome;
      while ((outcome = addon().barrierWait(state, ticket, parties, 1000)) === 1);
      return outcome;
    };`;

  it('run plans of their own', async () => {
    const body = `
      const handle = addon().createPlan(workerData.plan);
      const output = new Float32Array(6);
      for (let i = 0; i < 100; i++) addon().run(handle, [workerData.input, output], new Uint32Array(4));
      return output;`;
    const inputs = [1, 2, 3].map((k) => Float32Array.of(1, 2, 3, 4, 5, 6).map((x) => x * k));
    const outputs = await Promise.all(
      inputs.map((input) => answer(start(body, { plan: transpose(), input }))),
    );
    outputs.forEach((output, i) => {
      expect(output).toEqual(Float32Array.of(1, 4, 2, 5, 3, 6).map((x) => x * (i + 1)));
    });
  });

  it.each([2, 3, 5])('%i of them meet, and see what each wrote before', async (parties) => {
    const data = { state: shared(16), values: shared(parties), parties };
    const body = `
      const { state, values, parties, rank } = workerData;
      ${meet}
      for (let turn = 1; turn <= 200; turn++) {
        values[rank] = turn;
        if (meet() !== 0) return 'not passed';
        if (!values.every((value) => value === turn)) return 'saw ' + values.join() + ' at ' + turn;
        if (meet() !== 0) return 'not passed';
      }
      return 'all met';`;
    const workers = Array.from({ length: parties }, (_, rank) => start(body, { ...data, rank }));
    expect(await Promise.all(workers.map(answer))).toEqual(Array(parties).fill('all met'));
    expect([...data.state.subarray(0, 4)]).toEqual([0, 400, 0, 0]);
  });

  it('are all released by an abort, from any thread', async () => {
    const state = shared(16);
    const body = `const { state, parties } = workerData; ${meet} return meet();`;
    const waiting = [1, 2, 3].map(() => answer(start(body, { state, parties: 5 })));
    const aborted = exit(start('addon().barrierAbort(workerData.state)', { state }));
    expect(await Promise.all(waiting)).toEqual([2, 2, 2]);
    await aborted;
    expect(state[3]).toBe(0);
  });

  it('can be terminated in the middle of a wait, and of an asynchronous run', async () => {
    const state = shared(16);
    const wait = `
      const ticket = addon().barrierArrive(workerData.state, 9);
      setImmediate(() => { while (addon().barrierWait(workerData.state, ticket, 9, 10) === 1); });`;
    const run = `
      const handle = addon().createPlan(workerData.plan);
      const input = new Int32Array(1e6), output = new Int32Array(1e6);
      const again = () => addon().runAsync(handle, [input, output], new Uint32Array(4)).then(again);
      again();`;
    const workers = [wait, run, wait, run].map((body) => start(body, { state, plan: guarded(1e6) }));
    await Promise.all(workers.map(answer));
    await Promise.all(workers.map((worker) => worker.terminate()));
    expect([...state.subarray(0, 4)]).toEqual([2, 0, 0, 0]);
    expect(await answer(start('return addon().isa()'))).toBe(addon().isa());
  });
});
