import { add, exp, mul, Tensor } from 'chainrule';
import { afterEach, describe, expect, it } from 'vitest';
import { compileGraph } from '#lib/compile/compile.js';
import { allReducesOf } from '#lib/compile/plan/plan.js';
import { input } from '#lib/graph/leaf.js';
import { allReduce, allReduceOp } from '#lib/ops/primitives/all-reduce.js';
import { planReductionTree } from '#lib/parallel/protocol/reduction-tree.js';
import { addon } from '#lib/runtime/addon.js';
import { allReducedBytes, Executable, type Meeting } from '#lib/runtime/executable.js';
import { nativeKernels } from '#lib/runtime/native-kernels.js';

const random = { seed: 0, step: 0 };

/** Two all-reduces, of which the second depends on the first. */
const squaresOfSum = (x: Tensor) => {
  const total = allReduce(x);
  return add(mul(total, total), allReduce(mul(x, total)));
};

function compiled(rows: number, fn: (x: Tensor) => Tensor) {
  const x = input('x', [rows], 'float32');
  return compileGraph({ inputs: [x], outputs: [fn(x)] }, nativeKernels).plan;
}

const barrierWords = () => new Int32Array(new SharedArrayBuffer(4 * addon().constants.barrier.words));

function meetingOf(shards: number, bytes: number, given: Partial<Meeting> = {}): Meeting {
  return {
    exchange: new Uint8Array(new SharedArrayBuffer(shards * bytes)),
    program: planReductionTree(new Array<boolean>(shards).fill(true), 1).order,
    barrier: barrierWords(),
    parties: 1,
    waiting: new Int32Array(new SharedArrayBuffer(4)),
    ...given,
  };
}

function runAll(values: readonly (readonly number[])[], given: Partial<Meeting> = {}): number[][] {
  const plan = compiled(values[0]?.length ?? 0, squaresOfSum);
  const executables = values.map(() => new Executable(plan));
  const bindings = values.map((row) => [Float32Array.from(row), new Float32Array(row.length)] as const);
  Executable.runShards(
    executables,
    bindings,
    values.map(() => random),
    Int32Array.from(values, (_, shard) => shard),
    meetingOf(values.length, allReducedBytes(plan), given),
  );
  return bindings.map(([, out]) => [...out]);
}

afterEach(() => addon().abortRunsBy());

describe('shards that exchange values', () => {
  it('take the sum of all, time and again', () => {
    const values = [
      [1, 2],
      [3, -4],
      [5, 6],
    ];
    const sums = [9, 4];
    const expected = sums.map((sum) => 2 * sum * sum);
    expect(runAll(values)).toEqual([expected, expected, expected]);
  });

  it('are several of one run, whose values stand one after another', () => {
    const x = input('x', [2, 2], 'float32');
    const several = new Tensor(allReduceOp, [mul(x, 3)], { shards: 2 });
    const both = compileGraph({ inputs: [x], outputs: [several] }, nativeKernels).plan;
    const one = compiled(2, (y) => allReduce(mul(y, 3)));
    const bindings = [Float32Array.of(1, 2, 3, 4), Float32Array.of(5, 6)].map(
      (values) => [values, new Float32Array(2)] as const,
    );
    const runs = (shards: readonly number[]) =>
      Executable.runShards(
        [new Executable(both), new Executable(one)],
        bindings,
        [random, random],
        Int32Array.from(shards),
        meetingOf(3, allReducedBytes(one)),
      );
    runs([0, 2]);
    expect(bindings.map(([, out]) => [...out])).toEqual([
      [27, 36],
      [27, 36],
    ]);
    expect(() => runs([2, 0])).toThrow('runShards: shards must be among those of the program');
    const alone = () => new Executable(both).run(bindings[0] ?? [], random);
    expect(alone).toThrow('allReduce: several shards have to meet');
  });

  it('take their own value where each is all of the batch', () => {
    const plan = compiled(2, squaresOfSum);
    const out = new Float32Array(2);
    new Executable(plan).run([Float32Array.of(3, -2), out], random);
    expect([...out]).toEqual([18, 8]);
  });

  it('add it in the order of the program', () => {
    const order = (program: readonly number[]) =>
      runAll([[1e8], [1], [-1e8]], { program: Int32Array.from(program) })[0];
    const { add: plus } = addon().constants.sums;
    const zero = order([0, 1, plus, 2, plus]);
    const one = order([0, 2, plus, 1, plus]);
    expect(zero).not.toEqual(one);
  });

  it('wait for others no longer than until the job is aborted', () => {
    const waiting = new Int32Array(new SharedArrayBuffer(4));
    const barrier = barrierWords();
    const program = Int32Array.of(0, 1, addon().constants.sums.add);
    const exchange = new Uint8Array(new SharedArrayBuffer(1024));
    addon().abortRunsBy(barrier, 3);
    const run = () => runAll([[1]], { parties: 2, waiting, barrier, program, exchange });
    expect(run).toThrow(expect.objectContaining({ code: 'ERR_CHAINRULE_WORKER_RELEASED' }));
    expect(waiting[0]).toBe(1);
    addon().abortRunsBy();
    barrier.fill(0);
    addon().barrierAbort(barrier);
    expect(run).toThrow(expect.objectContaining({ code: 'ERR_CHAINRULE_WORKER_RELEASED' }));
  });

  it('are timed, with the time of an exchange', () => {
    const plan = compiled(2, squaresOfSum);
    const executables = [new Executable(plan), new Executable(plan)];
    const clocks = new Float64Array(2 * plan.steps.length);
    Executable.runShards(
      executables,
      executables.map(() => [Float32Array.of(1, 2), new Float32Array(2)]),
      [random, random],
      Int32Array.of(0, 1),
      meetingOf(2, allReducedBytes(plan)),
      clocks,
    );
    expect(clocks.every((time) => time >= 0)).toBe(true);
    expect(clocks.reduce((sum, time) => sum + time)).toBeGreaterThan(0);
  });

  it.each<[string, Partial<Meeting>, string]>([
    ['a program of no shard', { program: Int32Array.of(7) }, 'runShards: program must be a sum of shards'],
    ['too small an exchange', { exchange: new Uint8Array(64) }, 'runShards: program must be a sum of shards'],
    ['a program without one of the shards', { program: Int32Array.of(0) }, 'runShards: shards must be among'],
    ['no parties', { parties: 0 }, 'runShards: parties must be'],
    ['a barrier of other words', { barrier: new Int32Array(2) }, 'runShards: barrier must be'],
    ['two words to wait in', { waiting: new Int32Array(2) }, 'runShards: waiting must be'],
  ])('refuse %s', (_, given, message) => {
    expect(() => runAll([[1], [2]], given)).toThrow(message);
  });

  it('refuse plans that exchange other values', () => {
    const plans = [compiled(2, squaresOfSum), compiled(2, (x) => allReduce(x))];
    const run = () =>
      Executable.runShards(
        plans.map((plan) => new Executable(plan)),
        plans.map(() => [new Float32Array(2), new Float32Array(2)]),
        [random, random],
        Int32Array.of(0, 1),
        meetingOf(2, 256),
      );
    expect(run).toThrow('runShards: handles[1] must be with the all-reduces of the first');
  });

  it('stand in the plan in the order in which they were traced, also where a later one is ready before', () => {
    const x = input('x', [3], 'float32');
    const y = input('y', [2], 'float32');
    const early = exp(x);
    const first = allReduce(early);
    const second = allReduce(y);
    // The exponential is computed together with this product.
    const late = mul(early, 2);
    const { plan } = compileGraph({ inputs: [x, y], outputs: [first, second, late] }, nativeKernels);
    expect(allReducesOf(plan).map(({ output }) => output.shape)).toEqual([[3], [2]]);
  });
});
