import { dropout, grad, nn, optim, softmax, tensor } from 'chainrule';
import { describe, expect, it } from 'vitest';
import type { MapStep } from '#lib/compile/plan/plan.js';
import { printPlan } from '#lib/compile/plan/print.js';
import { input } from '#lib/graph/leaf.js';
import { traced } from '#lib/graph/trace.js';
import { kernelsOf, planOf, variable } from '../helpers/graphs.js';

describe('printed plans', () => {
  it('make a bias and a relu one step, without memory of their own', () => {
    const x = input('x', [4, 3]);
    const plan = planOf({ inputs: [x], outputs: [x.add(variable([3])).relu()] });
    expect(plan.arenaBytes).toBe(0);
    expect(printPlan(plan)).toMatchInlineSnapshot(
      `"0: map float32[4,3] %0 = input0; %1 = variable0 strides[0,1]; %2 = reluAdd %0 %1; %2 -> output0"`,
    );
  });

  it('show every kind of step and operand', () => {
    const x = input('x', [2, 3]);
    const outputs = [
      x.transpose().matmul(x).add(1),
      x.pad(
        [
          [0, 0],
          [1, 0],
        ],
        7,
      ),
      x
        .slice([
          [0, 2],
          [1, 3],
        ])
        .sum(0),
      x.add(1).reshape([6]).sum(),
    ];
    expect(printPlan(planOf({ inputs: [x], outputs }))).toMatchInlineSnapshot(`
      "0: matmul a: input0 float32[3,2] strides[1,3], b: input0 float32[2,3], transposeA: false, transposeB: false -> @0 float32[3,3]
      1: map float32[3,3] %0 = @0; %2 = add %0 1; %2 -> output0
      2: fill 7 -> output1 float32[2,4]
      3: copy input0 float32[2,3] -> output1@4 float32[2,3] strides[4,1]
      4: reduce float32[2,2] %0 = input0@4 strides[3,1]; sum[1,2,2] %0 -> output2 float32[2]
      5: map float32[2,3] %0 = input0; %2 = add %0 1; %2 -> @0
      6: reduce float32[6] %0 = @0; sum[1,6,1] %0 -> output3 float32[]"
    `);
  });

  it('show all that one pass reduces to', () => {
    const x = input('x', [2, 3]);
    const doubled = x.mul(2);
    const plan = planOf({ inputs: [x], outputs: [doubled.sum(1), x.max(1), doubled] });
    expect(printPlan(plan)).toMatchInlineSnapshot(
      `"0: reduce float32[2,3] %0 = input0; %2 = mul %0 2; %3 = copy %0; %2 -> output2; sum[2,3,1] %2 -> output0 float32[2]; max[2,3,1] %3 -> output1 float32[2]"`,
    );
  });

  it('make softmax and cross-entropy a few passes over the logits', () => {
    const logits = input('logits', [8, 10]);
    const labels = input('labels', [8], 'int32');
    const plan = planOf({ inputs: [logits, labels], outputs: [nn.crossEntropy(logits, labels)] });
    expect(printPlan(plan)).toMatchInlineSnapshot(`
      "0: reduce float32[8,10] %0 = input0; max[8,10,1] %0 -> @320 float32[8]
      1: reduce float32[8,10] %0 = input0; %1 = @320 strides[1,0]; %2 = sub %0 %1; %3 = exp %2; %2 -> @0; sum[8,10,1] %3 -> @384 float32[8]
      2: map float32[8,1] %0 = @384; %1 = log %0; %1 -> @384
      3: checkRange input: input1 int32[8], name: "crossEntropy", low: 0, high: 10 -> @320 int32[8]
      4: map float32[8] %0 = @320 int32[8]; %1 = copy %0; %1 -> @448
      5: reduce float32[8,10] %0 = @0; %1 = @384 strides[1,0]; %2 = @448 strides[1,0]; %3 = constant0 strides[0,1]; %5 = sub %0 %1; %6 = whereEq %2 %3 %5 0; sum[8,10,1] %6 -> @320 float32[8]
      6: reduce float32[8] %0 = @320; %1 = neg %0; sum[1,8,1] %1 -> @0 float32[]
      7: map float32[] %0 = @0; %2 = mul %0 0.125; %3 = copy %2; %3 -> output0"
    `);
  });

  it('make the update of Adam one step that writes three variables in place', () => {
    const parameter = variable([5, 5]);
    const gradient = input('gradient', [5, 5]);
    const { trace } = traced(() => optim.adam().step([parameter], [gradient]));
    const plan = planOf({ inputs: [gradient], assignments: trace.assignments });
    const update = plan.steps.at(-1) as MapStep;
    const reads = new Set(update.operands.map(({ buffer }) => buffer));
    expect(update.outputs.filter(({ buffer }) => reads.has(buffer))).toHaveLength(3);
    expect(printPlan(plan)).toMatchInlineSnapshot(`
      "0: map float32[] %0 = input1 float64[]; %1 = copy %0; %1 -> @0
      1: map float32[] %0 = input2 float64[]; %1 = copy %0; %1 -> @64
      2: map float32[] %0 = input3 float64[]; %1 = copy %0; %1 -> @128
      3: map float32[5,5] %0 = variable1; %1 = input0; %2 = variable2; %3 = @128 strides[0,0]; %4 = @64 strides[0,0]; %5 = @0 strides[0,0]; %6 = variable0; %12 = mulAddMul %0 0.9 %1 0.09999999999999998; %13 = average %2 0.999 %1 %1 0.0010000000000000009; %14 = adaptiveStep %6 %12 %4 %5 %13 %3 1e-8; %12 -> variable1; %13 -> variable2; %14 -> variable0"
    `);
  });
});

describe('plans', () => {
  class Net extends nn.Module {
    conv = new nn.Conv2d(1, 4, 3, { padding: 1 });
    fc = new nn.Linear(4 * 4 * 4, 10);
    forward(x: ReturnType<typeof tensor>) {
      return this.fc.forward(nn.maxPool2d(this.conv.forward(x).relu(), 2).flatten(1));
    }
  }

  it('train a convolutional net with one kernel for each part of it', () => {
    const net = new Net();
    const images = input('images', [2, 8, 8, 1]);
    const labels = input('labels', [2], 'int32');
    const { result, trace } = traced(() => {
      const loss = nn.crossEntropy(net.forward(images), labels);
      const parameters = net.parameters();
      optim.sgd({ lr: 0.1 }).step(parameters, grad(loss, parameters));
      return loss;
    });
    const plan = planOf({ inputs: [images, labels], outputs: [result], assignments: trace.assignments });
    expect(kernelsOf(plan)).toMatchInlineSnapshot(`
      [
        "conv2d",
        "map add+relu",
        "maxPool2d",
        "matmul",
        "reduce add+max",
        "reduce sub+exp+sum",
        "map log",
        "checkRange",
        "map cast",
        "reduce sub+eq+where+sum+where+neg+sum",
        "reduce neg+sum",
        "map mul",
        "map div",
        "reduce mul+add+sum",
        "matmul",
        "matmul",
        "maxPool2dGrad",
        "reduce gt+where+sum",
        "conv2dWeightGrad",
        "map cast",
        "map mul+sub",
        "map mul+sub",
        "map mul+sub",
        "map mul+sub",
      ]
    `);
  });

  it('take no gradient of the first layer for its input', () => {
    const net = new nn.Sequential(
      new nn.Conv2d(1, 2, 3),
      new nn.ReLU(),
      new nn.Conv2d(2, 2, 3),
      new nn.Flatten(),
    );
    const images = input('images', [2, 8, 8, 1]);
    const gradients = grad(net.forward(images).square().sum(), net.parameters());
    const kernels = kernelsOf(planOf({ inputs: [images], outputs: gradients }));
    // One for the second convolution, none for the first.
    expect(kernels.filter((name) => name === 'conv2dInputGrad')).toHaveLength(1);
    expect(kernels.filter((name) => name === 'conv2dWeightGrad')).toHaveLength(2);
  });

  it('keep the mask of a dropout as bytes, and draw it once', () => {
    const x = input('x', [64, 32]);
    const [w1, w2] = [variable([32, 32]), variable([32, 32])];
    const loss = dropout(x.matmul(w1), 0.5).matmul(w2).square().sum();
    const plan = planOf({ inputs: [x], outputs: grad(loss, [w1, w2]) });
    const maps = plan.steps.filter((step) => step.kernel === 'map');
    const drawing = maps.filter(({ instructions }) => instructions.some(({ code }) => code === 'uniform'));
    expect(drawing).toHaveLength(1);
    const masks = maps.flatMap(({ outputs }) => outputs).filter(({ dtype }) => dtype === 'bool');
    expect(masks).toHaveLength(1);
    const readers = maps.filter(({ operands }) => operands.some(({ dtype }) => dtype === 'bool'));
    expect(readers).toHaveLength(1);
  });

  it('compute a common subexpression once, however it is written', () => {
    const [a, b] = [input('a', [4, 4]), input('b', [4, 4])];
    const twice = () => a.matmul(b).sum(1, { keepDims: true });
    const outputs = [twice().add(1), twice().mul(2), softmax(a.matmul(b))];
    const kernels = kernelsOf(planOf({ inputs: [a, b], outputs }));
    expect(kernels.filter((name) => name === 'matmul')).toHaveLength(1);
    expect(kernels.filter((name) => name.startsWith('reduce sum'))).toHaveLength(1);
  });

  it('hold what a caller has to know: bindings, memory and operations', () => {
    const x = input('x', [2, 3]);
    const w = variable([3, 4], undefined, 'float32');
    const plan = planOf({ inputs: [x], outputs: [x.matmul(w).add(tensor([1, 2, 3, 4]))] });
    expect(plan.bindings).toMatchObject([
      { kind: 'input', name: 'x', shape: [2, 3], bytes: 24 },
      { kind: 'variable', shape: [3, 4], bytes: 48 },
      { kind: 'constant', shape: [4], data: Float32Array.of(1, 2, 3, 4) },
      { kind: 'output', shape: [2, 4], bytes: 32 },
    ]);
    expect(plan.flops).toBe(2 * 2 * 3 * 4 + 8);
    expect(plan.arenaBytes).toBe(64);
  });

  it('have no steps for empty values, but for the sums of them', () => {
    const x = input('x', [3, 4]);
    const empty = x.slice([[2, 2]]);
    const outputs = [
      empty.exp(),
      empty
        .slice([[], [0, 1]])
        .expand([0, 3])
        .reshape([3, 0]),
      empty.add(1).sum(0),
    ];
    expect(printPlan(planOf({ inputs: [x], outputs }))).toMatchInlineSnapshot(
      `"0: reduce float32[0,4] %0 = input0; %2 = add %0 1; sum[1,0,4] %2 -> output2 float32[4]"`,
    );
  });
});
