import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  argMax,
  argSort,
  avgPool2d,
  concat,
  conv2d,
  convTranspose2d,
  cumSum,
  gather,
  grad,
  matmul,
  max,
  maxPool2d,
  mul,
  scaledDotProductAttention,
  scan,
  scatterAdd,
  scatterAddAlong,
  solve,
  sum,
  type Tensor,
  takeAlong,
  tensor,
  topK,
  uniform,
  zeros,
} from 'chainrule';
import { afterEach, describe, expect, it } from 'vitest';
import { compileGraph } from '#lib/compile/compile.js';
import { withPackedWeight } from '#lib/compile/rewrite/pack-weights.js';
import type { TypedArray } from '#lib/graph/dtype.js';
import { allReduce } from '#lib/ops/primitives/all-reduce.js';
import { checkRange } from '#lib/ops/primitives/gather.js';
import { matmulSum } from '#lib/ops/primitives/matmul-sum.js';
import { addon, type MarkArguments } from '#lib/runtime/addon.js';
import { bind } from '#lib/runtime/bind.js';
import { encodePlan } from '#lib/runtime/encode.js';
import { clockedSteps, Executable } from '#lib/runtime/executable.js';
import { nativeKernels } from '#lib/runtime/native-kernels.js';
import { kernelsOf } from '../helpers/graphs.js';

const context = new Uint32Array(4);
const newBarrier = () => new Int32Array(new SharedArrayBuffer(4 * addon().constants.barrier.words));
const aborted = { code: 'ERR_CHAINRULE_WORKER_RELEASED' };

afterEach(() => addon().abortRunsBy());

const sizeOf = (shape: readonly number[]) => shape.reduce((product, size) => product * size, 1);

/** Numbers from -1 to 1 without an order, of which some graphs take millions. */
function noise(length: number, seed: number): Float32Array {
  const values = new Float32Array(length);
  let state = seed;
  for (let i = 0; i < values.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    values[i] = state / 2 ** 31 - 1;
  }
  return values;
}

const floats = (shape: readonly number[], seed = 1, dtype: 'float32' | 'float64' = 'float32') =>
  tensor(noise(sizeOf(shape), seed), { shape, dtype });

const indices = (length: number, below: number) =>
  tensor(Int32Array.from({ length }, (_, i) => (i * 7919) % below));

/** A graph that is ready to run again and again; a run returns the hash of its output. */
function prepared(output: Tensor) {
  const compiled = compileGraph({ inputs: [], outputs: [output] }, nativeKernels);
  const { bindings, produced } = bind(compiled, [], [output]);
  const handle = addon().createPlan(encodePlan(compiled.plan));
  const values = produced.get(output) as TypedArray;
  const run = () => {
    addon().run(handle, bindings, context);
    return createHash('sha256').update(values).digest('hex');
  };
  const runAsync = (barrier: Int32Array) => addon().runAsync(handle, bindings, context, barrier);
  return { kernels: kernelsOf(compiled.plan), handle, bindings, values, run, runAsync };
}

const bytesOf = (values: TypedArray, count: number) =>
  Buffer.from(values.buffer, values.byteOffset, count * values.BYTES_PER_ELEMENT);

const gradientOf = (f: (x: Tensor) => Tensor, x: Tensor) => grad(f(x).sum(), [x])[0] as Tensor;

/** The packed weight of a convolution. */
const packedOf = (convolution: Tensor) => (withPackedWeight(convolution, nativeKernels) as Tensor).input(1);

/** A product with a packed weight, on instruction sets where products ask for none as well. */
const layer = (rows: number) => {
  const product = matmul(floats([rows, 2048]), floats([2048, 2048]), { transposeB: true });
  return product.op.pack?.(product, { elements: 2048 * 2048, layout: 'panels' }) as Tensor;
};

const image = floats([4, 32, 32, 32]);
const wide = floats([16, 48, 48, 8]);
const square = (n: number, dtype: 'float32' | 'float64' = 'float32') => floats([n, n], n, dtype);
const line = floats([1_000_000]);
const long = floats([600_000]);
const heads = floats([1, 4, 256, 32]);
const rows = floats([3000, 300]);

/** The sum of products of shards with so many rows. */
const sumOfProducts = (shards: number, program: number[], ...rows: number[]) =>
  matmulSum(
    { a: floats([shards, 64, 256]), b: floats([shards, 64, 512], 2), rows: tensor(Int32Array.from(rows)) },
    { program, perRow: 1 },
  );

/** Kernels with work for many looks: the name, the kernel, and the graph. */
const kernels: [string, string, () => Tensor][] = [
  ['a product', 'matmul', () => matmul(square(512), square(512))],
  [
    'a product of a transposed matrix',
    'matmul',
    () => matmul(square(512), square(512), { transposeB: true }),
  ],
  [
    'a product in float64',
    'matmul',
    () => matmul(floats([32, 64, 64], 1, 'float64'), floats([32, 64, 64], 2, 'float64')),
  ],
  ['many small products', 'matmul', () => matmul(floats([256, 32, 32]), floats([256, 32, 32], 2))],
  ['a sum of products that is made tile by tile', 'matmulSum', () => sumOfProducts(2, [0, 1, -1], 63, 63)],
  ['a sum of products that is one product', 'matmulSum', () => sumOfProducts(2, [0, 1, -1], 64, 64)],
  ['a sum of products of unequal shards', 'matmulSum', () => sumOfProducts(2, [0, 1, -1], 64, 63)],
  ['linear equations', 'solve', () => solve(square(256), square(256))],
  ['a convolution by direct sums', 'conv2d', () => conv2d(wide, floats([5, 5, 8, 16]))],
  ['a convolution to few channels', 'conv2d', () => conv2d(wide, floats([5, 5, 8, 3]))],
  [
    "a convolution by Winograd's method",
    'conv2d',
    () => conv2d(image, floats([3, 3, 32, 32]), { padding: 1 }),
  ],
  [
    'a convolution of small images',
    'conv2d',
    () => conv2d(floats([64, 3, 3, 32]), floats([5, 5, 32, 32]), { padding: 2 }),
  ],
  ['a convolution by channels', 'conv2d', () => conv2d(image, floats([5, 5, 1, 32]), { groups: 32 })],
  ["an image's gradient", 'conv2dInputGrad', () => gradientOf((x) => conv2d(x, floats([5, 5, 8, 16])), wide)],
  ['packed weights', 'packConv2d', () => packedOf(conv2d(floats([1, 3, 3, 512]), floats([3, 3, 512, 512])))],
  ["a layer's packed weights", 'packMatmul', () => layer(1).input(1)],
  ['a product with packed weights', 'matmul', () => layer(256)],
  [
    "packed weights by Winograd's method",
    'packConv2d',
    () => packedOf(conv2d(floats([4, 32, 32, 256]), floats([3, 3, 256, 256]), { padding: 1 })),
  ],
  [
    "packed weights of an image's gradient",
    'packConv2dInputGrad',
    () => packedOf(convTranspose2d(floats([1, 3, 3, 512]), floats([2, 2, 512, 512]), { stride: 2 })),
  ],
  [
    "a kernel's gradient to few channels",
    'conv2dWeightGrad',
    () => gradientOf((w) => conv2d(wide, w), floats([5, 5, 8, 3])),
  ],
  [
    "a kernel's gradient",
    'conv2dWeightGrad',
    () => gradientOf((w) => conv2d(wide, w), floats([5, 5, 8, 16])),
  ],
  [
    "a kernel's gradient by Winograd's method",
    'conv2dWeightGrad',
    () => gradientOf((w) => conv2d(image, w, { padding: 1 }), floats([3, 3, 32, 32])),
  ],
  [
    "a kernel's gradient by channels",
    'conv2dWeightGrad',
    () => gradientOf((w) => conv2d(image, w, { groups: 32 }), floats([5, 5, 1, 32])),
  ],
  ['a maximum of windows of 2 x 2', 'maxPool2d', () => maxPool2d(image, 2)],
  ['a maximum of windows', 'maxPool2d', () => maxPool2d(image, 3, { stride: 1 })],
  ['its gradient of 2 x 2', 'maxPool2dGrad', () => gradientOf((x) => maxPool2d(x, 2), image)],
  ['its gradient', 'maxPool2dGrad', () => gradientOf((x) => maxPool2d(x, 3, { stride: 1 }), image)],
  ['a mean of windows', 'avgPool2d', () => avgPool2d(image, 3, { stride: 1 })],
  ['its gradient', 'avgPool2dGrad', () => gradientOf((x) => avgPool2d(x, 3, { stride: 1 }), image)],
  ['attention', 'attention', () => scaledDotProductAttention(heads, heads, heads)],
  [
    'its gradients',
    'attentionGrad',
    () => gradientOf((x) => scaledDotProductAttention(x, heads, heads, { causal: true }), heads),
  ],
  ['element-wise ops', 'map', () => mul(line.tanh(), line).exp()],
  ['random numbers', 'map', () => uniform([1_000_000]).add(1)],
  ['a sum', 'reduce', () => sum(line)],
  ['sums of rows', 'reduce', () => sum(rows, [1])],
  ['sums of columns', 'reduce', () => sum(rows, [0])],
  ['maxima of short rows', 'reduce', () => max(line.reshape([-1, 10]), [1])],
  ['a transposed copy', 'copy', () => rows.transpose().reshape([-1])],
  ['sums along a line', 'cumSum', () => cumSum(line)],
  ['sums along columns', 'cumSum', () => cumSum(rows, 0)],
  ['a long sort', 'argSort', () => argSort(long)],
  ['a long search for the largest', 'argSort', () => topK(long, 5).indices],
  ['many short sorts', 'argSort', () => argSort(rows)],
  ['the place of the largest', 'argMax', () => argMax(line)],
  ['the places of the largest of columns', 'argMax', () => argMax(rows, 0)],
  ['rows of a table', 'gather', () => gather(rows, indices(20_000, 3000))],
  ['sums into rows of a table', 'scatterAdd', () => scatterAdd(zeros([50, 300]), indices(3000, 50), rows)],
  ['elements of rows', 'takeAlong', () => takeAlong(rows, indices(900_000, 300).reshape([3000, 300]), 1)],
  [
    'sums into elements of rows',
    'scatterAddAlong',
    () => scatterAddAlong(zeros([3000, 300]), indices(900_000, 300).reshape([3000, 300]), rows, 1),
  ],
  [
    'elements of windows',
    'maxPool2dGather',
    () => gradientOf((x) => gradientOf((y) => maxPool2d(y, 3, { stride: 1 }).square(), x), image),
  ],
  ['a copy', 'copy', () => concat([rows, rows])],
  ['one value for all', 'fill', () => concat([zeros([1_000_000]), line])],
  ['the all-reduce of a shard that is the batch', 'allReduce', () => allReduce(line)],
  ['a check of indices', 'checkRange', () => checkRange('test', indices(1_000_000, 10), 0, 10)],
  [
    'a loop',
    'scan',
    () =>
      scan(([x]) => ({ carry: [(x as Tensor).mul(0.999)] }), { carry: [floats([4])], length: 100_000 })
        .carry[0] as Tensor,
  ],
];

it('every kernel has a line here', () => {
  const list = readFileSync(new URL('../../native/kernels/isa.h', import.meta.url), 'utf8');
  const names = [...list.matchAll(/X\("(\w+)", make_/g)].map(([, name]) => name);
  expect(names.length).toBeGreaterThan(20);
  expect(names.filter((name) => !kernels.some(([, kernel]) => kernel === name))).toEqual([]);
});

describe.each(kernels)('%s', (_, kernel, graph) => {
  it('looks for an abort between blocks, stops there, and then gives the same bits', () => {
    const { kernels: steps, run } = prepared(graph());
    expect(steps.join()).toContain(kernel);
    const barrier = newBarrier();
    const expected = run();
    addon().abortRunsBy(barrier);
    expect(run()).toEqual(expected);
    const looks = addon().looks();
    // A run looks when it begins, and once more in a plan of many steps.
    expect(looks).toBeGreaterThan(2);
    for (const look of [1, 2, Math.floor(looks / 2), looks]) {
      addon().abortRunsBy(barrier, look);
      expect(run).toThrow(expect.objectContaining(aborted));
      expect(addon().looks()).toBe(look);
      addon().abortRunsBy(barrier);
      expect(run()).toEqual(expected);
    }
  });
});

/** A loop that would take centuries. */
const endless = () => {
  const turn = (length: number, body: (x: Tensor) => Tensor) => (x: Tensor) =>
    scan(([y]) => ({ carry: [body(y as Tensor)] }), { carry: [x], length }).carry[0] as Tensor;
  const most = 2 ** 31 - 1;
  return turn(
    most,
    turn(most, (x) => x.mul(0.999)),
  )(floats([4]));
};

describe('a run', () => {
  it('does not begin when it is aborted before', () => {
    const { run } = prepared(endless());
    const barrier = newBarrier();
    addon().barrierAbort(barrier);
    addon().abortRunsBy(barrier);
    expect(run).toThrow(expect.objectContaining(aborted));
    expect(addon().looks()).toBe(1);
  });

  it('on a thread of the pool ends with its barrier', async () => {
    const { runAsync } = prepared(endless());
    const barrier = newBarrier();
    const running = runAsync(barrier);
    addon().barrierAbort(barrier);
    await expect(running).rejects.toMatchObject(aborted);
    await expect(runAsync(barrier)).rejects.toMatchObject(aborted);
  });

  it('ends with all runs of the process, after which others may begin', async () => {
    const { runAsync } = prepared(endless());
    const running = [runAsync(newBarrier()), prepared(endless()).runAsync(newBarrier())];
    addon().abortAllRuns();
    const reasons = (await Promise.allSettled(running)).map(
      (outcome) => 'reason' in outcome && outcome.reason,
    );
    expect(reasons).toEqual([expect.objectContaining(aborted), expect.objectContaining(aborted)]);
    expect(prepared(mul(line, line)).run).not.toThrow();
  });

  it('that is watched by a clock for each step ends as well', () => {
    const plan = compileGraph({ inputs: [], outputs: [endless()] }, nativeKernels).plan;
    const executable = new Executable(plan);
    const bindings = plan.bindings.map(({ data, shape }) => data ?? new Float32Array(sizeOf(shape)));
    const clocks = new Float64Array(clockedSteps(plan).length);
    addon().abortRunsBy(newBarrier(), 1000);
    expect(() => executable.runTimed(bindings, { seed: 0, step: 0 }, clocks)).toThrow(
      expect.objectContaining(aborted),
    );
  });

  it('is finished if it has a mark', () => {
    const marks = new Int32Array(new SharedArrayBuffer(4));
    const { bindings, handle } = prepared(matmul(square(512), square(512)));
    const barrier = newBarrier();
    addon().barrierAbort(barrier);
    addon().abortRunsBy(barrier);
    addon().run(handle, bindings, context, marks, 0, 7);
    expect([...marks]).toEqual([7]);
    expect(addon().looks()).toBe(0);
  });
});

describe('a sum', () => {
  const sources = [noise(500_000, 1), noise(500_000, 2)];
  const program = Int32Array.of(0, 1, addon().constants.sums.add);
  const add = (...mark: MarkArguments) =>
    addon().combine(new Float32Array(500_000), sources, program, Float64Array.of(0, 500_000), ...mark);

  it('looks for an abort between blocks', () => {
    addon().abortRunsBy(newBarrier());
    add();
    expect(addon().looks()).toBeGreaterThan(10);
    addon().abortRunsBy(newBarrier(), 10);
    expect(() => add()).toThrow(expect.objectContaining(aborted));
  });

  it('is finished if it has a mark', () => {
    const marks = new Int32Array(1);
    addon().abortRunsBy(newBarrier(), 1);
    add(marks, 0, 7);
    expect([...marks]).toEqual([7]);
  });
});

describe('rows', () => {
  it('are gathered and changed with looks for an abort', () => {
    const source = noise(900_000, 1);
    const order = Int32Array.from({ length: 3000 }, (_, i) => i);
    const gatherAll = () => addon().gatherRows(new Float32Array(900_000), source, order, 0, 3000, 300);
    addon().abortRunsBy(newBarrier());
    gatherAll();
    expect(addon().looks()).toBeGreaterThan(10);
    addon().abortRunsBy(newBarrier(), 10);
    expect(gatherAll).toThrow(expect.objectContaining(aborted));
  });
});

it('cuts a long product of the BLAS without a change of bits', () => {
  const [m, n, k] = [1600, 1700, 1650];
  const [a, b] = [floats([m, k], 1, 'float64'), floats([k, n], 2, 'float64')];
  const whole = prepared(matmul(a, b));
  addon().abortRunsBy(newBarrier());
  whole.run();
  expect(addon().looks()).toBeGreaterThan(4);
  // The first rows and columns alone, which are not cut.
  const [rowCount, columnCount] = [960, 768];
  const ranges = [
    [0, k],
    [0, columnCount],
  ] as const;
  const part = prepared(matmul(a.slice([[0, rowCount]]), b.slice(ranges)));
  part.run();
  for (let i = 0; i < rowCount; i++) {
    const [ours, theirs] = [part.values.subarray(i * columnCount), whole.values.subarray(i * n)];
    expect(Buffer.compare(bytesOf(ours, columnCount), bytesOf(theirs, columnCount)), `row ${i}`).toBe(0);
  }
});
