import { conv2d, grad, matmul, ones, relu, scaledDotProductAttention, tensor } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { compileGraph } from '#lib/compile/compile.js';
import { type Kernels, type Operation, Operations } from '#lib/compile/plan/kernels.js';
import type { CallStep, Operand } from '#lib/compile/plan/plan.js';
import { type Form, planTransforms } from '#lib/data/transforms/program.js';
import type { Transform } from '#lib/data/transforms/transform.js';
import type { DType } from '#lib/graph/dtype.js';
import { ChainruleError } from '#lib/graph/errors.js';
import type { Tensor } from '#lib/graph/tensor.js';
import { addon } from '#lib/runtime/addon.js';
import { withErrors } from '#lib/runtime/addon-errors.js';
import { encodePlan } from '#lib/runtime/encode.js';
import { nativeKernels } from '#lib/runtime/native-kernels.js';
import { planOf } from '../helpers/graphs.js';

// Each fact that both languages need is the addon's, and the other side asks for it. Were it to hold another, here
// planted, the addon refuses it at once, and nothing falls back to something slower or wrong.

/** Workspaces of one kernel that lack a line. */
const smaller = (kernel: string): Kernels => ({
  operations: nativeKernels.operations,
  facts: (call) => {
    const facts = nativeKernels.facts(call);
    return call.name === kernel ? { ...facts, workspaceBytes: facts.workspaceBytes - 64 } : facts;
  },
});

const withOperations = (change: (operation: Operation) => Operation): Kernels => ({
  operations: new Operations(addon().operations().map(change)),
  facts: (call) => nativeKernels.facts(call),
});

/** Compiles for other kernels, and gives the plan to the addon. */
const run = (output: Tensor, kernels: Kernels) => () =>
  addon().createPlan(encodePlan(compileGraph({ inputs: [], outputs: [output] }, kernels).plan));

describe('a fact that JavaScript has otherwise than the addon', () => {
  const conv = (channels: number, size = 3, options = {}) => {
    const [x, w] = [ones([2, 16, 16, channels]), ones([size, size, channels, 32])];
    const y = conv2d(x, w, options);
    return { y, gradients: grad(y.sum(), [x, w]) };
  };
  const heads = ones([2, 40, 8]);
  const attended = scaledDotProductAttention(heads, heads, heads);
  const product = matmul(ones([600, 700]), ones([1100, 700]), { transposeB: true });

  it.each<[string, Tensor, string]>([
    ['a product', product, 'matmul'],
    ['a convolution by direct sums', conv(3).y, 'conv2d'],
    ["a convolution by Winograd's method", conv(32).y, 'conv2d'],
    ['the gradient of an image', conv(32, 5).gradients[0] as Tensor, 'conv2dInputGrad'],
    ['the gradient of a kernel', conv(32, 5).gradients[1] as Tensor, 'conv2dWeightGrad'],
    ["the gradient of a kernel by Winograd's method", conv(32).gradients[1] as Tensor, 'conv2dWeightGrad'],
    ['attention', attended, 'attention'],
    ['the gradients of attention', grad(attended.sum(), [heads])[0] as Tensor, 'attentionGrad'],
  ])('is refused: the workspace of %s', (_, output, kernel) => {
    expect(run(output, nativeKernels)).not.toThrow();
    expect(run(output, smaller(kernel))).toThrow(
      new RegExp(`^${kernel}: workspace must be at least \\d+ bytes, got \\d+$`),
    );
  });

  const vectors = [1, 2, 3, 4, 5].map((seed) => tensor(new Float32Array(8).fill(seed)));
  const [a, b, c, d, e] = vectors as [Tensor, Tensor, Tensor, Tensor, Tensor];

  it.each<[string, Tensor, string, Partial<Operation>, string]>([
    ['the name of an operation', relu(a.add(b)), 'reluAdd', { code: 'addRelu' }, "no instruction 'addRelu'"],
    ['the number of its inputs', relu(a), 'relu', { arity: 2 }, 'no loop for relu'],
    [
      'the scalars that it takes',
      a.mul(b).add(c.mul(d).mul(e)),
      'average',
      { loops: [0] },
      'an instruction does not take these inputs as scalars',
    ],
  ])('is refused: %s', (_, output, code, change, message) => {
    expect(run(output, nativeKernels)).not.toThrow();
    expect(
      run(
        output,
        withOperations((x) => (x.code === code ? { ...x, ...change } : x)),
      ),
    ).toThrow(message);
  });

  it('is refused: the words of a barrier', () => {
    const { words } = addon().constants.barrier;
    const fewer = new Int32Array(new SharedArrayBuffer(4 * (words - 1)));
    expect(() => addon().barrierArrive(fewer, 2)).toThrow(
      `barrierArrive: state must be Int32Array of at least ${words} elements`,
    );
  });

  it('is refused: the sum of a postfix program, and the number of runs that it may sum', () => {
    const { add, mostRuns } = addon().constants.sums;
    const output = new Float32Array(4);
    const combine = (word: number) => () =>
      addon().combine(output, [output, output], Int32Array.of(0, 1, word), Float64Array.of(0, 4));
    expect(combine(add)).not.toThrow();
    expect(combine(add - 1)).toThrow('combine: program must be a sum');
    const handles = Array.from({ length: mostRuns + 1 }, () => addon().createPlan(encodePlan(planOf({}))));
    expect(() =>
      addon().runTogether(handles, [], new Uint32Array(), new Int32Array(1), new Int32Array()),
    ).toThrow(`handles.length must be 1 to ${mostRuns}`);
  });

  it('is refused: the code of a transform, of a padding, and the length of a program', () => {
    const image: Form = { shape: [4, 4, 1], dtype: 'uint8' };
    const unknown = { kind: 'swirl' } as unknown as Transform;
    expect(() => planTransforms({ inputs: image, targets: image }, { inputs: [unknown] })).toThrow(
      'the addon must know swirl; it knows flip, crop',
    );
    const { names, paddings, most } = addon().constants.transforms;
    const augment = (program: number[]) => () =>
      addon().augmentRows(
        new Float32Array(16),
        new Uint8Array(16),
        Int32Array.of(0),
        0,
        1,
        false,
        Float64Array.from([4, 4, 1, ...program]),
        new Float32Array(32),
        new Uint32Array(4),
      );
    const crop = (padding: number) => [names.indexOf('crop'), 0, 6, 4, 4, 1, 1, padding, 0];
    expect(augment(crop(0))).not.toThrow();
    expect(augment(crop(paddings.length))).toThrow('crop: mode must be an integer from 0');
    expect(augment([names.length, 0, 0])).toThrow('a code must be an integer from 0');
    expect(augment([names.indexOf('noise'), most, 1, 1])).toThrow('a place must be an integer from 0');
  });

  it('is refused: the alignment of a workspace, a dtype, and the words of a random state', () => {
    const plan = compileGraph({ inputs: [], outputs: [product] }, nativeKernels).plan;
    const step = plan.steps.at(-1) as CallStep;
    const create = (changed: Partial<CallStep>) => () => {
      const steps = [...plan.steps.slice(0, -1), { ...step, ...changed }];
      return addon().createPlan(encodePlan({ ...plan, arenaBytes: plan.arenaBytes + 64, steps }));
    };
    const workspace = step.workspace as Operand;
    expect(create({})).not.toThrow();
    expect(create({ workspace: { ...workspace, offset: workspace.offset + 32 } })).toThrow(
      'matmul: workspace must be bytes on a cache line of the arena',
    );
    expect(create({ output: { ...step.output, dtype: 'float16' as DType } })).toThrow(
      'matmul: output.dtype must be',
    );
    const handle = addon().createPlan(encodePlan(planOf({})));
    expect(() => addon().run(handle, [], new Uint32Array(3))).toThrow('run: context must be');
  });

  it('is refused: the code of an error', async () => {
    const thrown = Object.assign(new Error('run: broken'), { op: 'run', expected: 'broken' });
    const call = (fields: object) => () =>
      withErrors({ call: () => Promise.reject(Object.assign(thrown, fields)) }).call();
    await expect(call({})()).rejects.toThrow(ChainruleError);
    await expect(call({ code: 'ERR_CHAINRULE_DATA' })()).rejects.toMatchObject({
      code: 'ERR_CHAINRULE_DATA',
    });
    await expect(call({ code: 'ERR_CHAINRULE_DATUM' })()).rejects.toThrow(
      'ERR_CHAINRULE_DATUM of an error is in no list',
    );
  });
});
