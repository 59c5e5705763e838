import type { Graph } from '../../lib/compile/compile.js';
import { at } from '../../lib/graph/at.js';
import { input } from '../../lib/graph/leaf.js';
import type { Tensor } from '../../lib/graph/tensor.js';
import { assign, traced } from '../../lib/graph/trace.js';
import {
  add,
  checkpoint,
  concat,
  full,
  grad,
  matmul,
  mul,
  nn,
  optim,
  permute,
  reshape,
  scan,
  slice,
  stack,
  sum,
  tanh,
  unstack,
} from '../../lib/index.js';

/** A kind of graph whose number of nodes can be chosen. */
export interface GraphKind {
  readonly name: string;
  readonly title: string;
  /** Builds a graph of about so many nodes. */
  build(nodes: number): Graph;
}

/** Numbers from 0 to below a count. */
const times = <T>(count: number, make: (i: number) => T): T[] =>
  Array.from({ length: Math.max(1, Math.round(count)) }, (_, i) => make(i));

const weights = (shape: number[]) => new nn.Parameter(shape, { init: nn.init.ones });

const vector = (length = 4) => input('x', [length]);

const total = (terms: readonly Tensor[]) => terms.reduce((a, b) => add(a, b));

/** The graph of a loss and its gradients. */
function withGradients(x: Tensor, loss: Tensor, wrt: readonly Tensor[] = [x]): Graph {
  return { inputs: [x as ReturnType<typeof input>], outputs: [loss, ...grad(loss, wrt)] };
}

/** A value that passes through so many stages. */
function through(x: Tensor, stages: number, stage: (x: Tensor, i: number) => Tensor): Tensor {
  let y = x;
  for (let i = 0; i < stages; i++) y = stage(y, i);
  return y;
}

/** Deep and wide graphs, each of one kind of node or connection, which a pass could find hard. */
export const graphKinds: readonly GraphKind[] = [
  {
    name: 'chain',
    title: 'element-wise ops in a row',
    build(nodes) {
      const x = vector();
      return { inputs: [x], outputs: [through(x, nodes / 4, (y) => tanh(mul(y, 0.5)))] };
    },
  },
  {
    name: 'residual',
    title: 'residual blocks in a row, with gradients',
    build(nodes) {
      const x = input('x', [2, 4]);
      const w = weights([4, 4]);
      const y = through(x, nodes / 12, (h) => add(h, tanh(matmul(h, w))));
      return withGradients(x, sum(y), [x, w]);
    },
  },
  {
    name: 'layers',
    title: 'layers in a row, each with its own weights, with gradients',
    build(nodes) {
      const x = input('x', [2, 4]);
      const layers = times(nodes / 10, () => weights([4, 4]));
      return withGradients(x, sum(layers.reduce<Tensor>((h, w) => tanh(matmul(h, w)), x)), layers);
    },
  },
  {
    name: 'views',
    title: 'views of views, in a row',
    build(nodes) {
      const x = input('x', [2, 3]);
      const turned = (y: Tensor) => permute(y, [1, 0]);
      const stages = [turned, (y: Tensor) => reshape(y, [2, 3]), turned, (y: Tensor) => reshape(y, [2, 3])];
      return { inputs: [x], outputs: [through(x, nodes, (y, i) => at(stages, i % 4)(y))] };
    },
  },
  {
    name: 'fan-out',
    title: 'results of one tensor, all of them outputs',
    build(nodes) {
      const x = vector();
      const shared = tanh(x);
      return { inputs: [x], outputs: times(nodes / 3, (i) => mul(shared, i + 2)) };
    },
  },
  {
    name: 'constants',
    title: 'ops on constants',
    build(nodes) {
      const x = vector();
      const constants = times(nodes / 4, (i) => mul(full([4], i), full([4], 0.5)));
      return { inputs: [x], outputs: [add(x, total(constants))] };
    },
  },
  {
    name: 'split',
    title: 'the sum of the parts of a split tensor, with its gradient',
    build(nodes) {
      const x = input('x', [Math.max(1, Math.round(nodes / 12)), 2]);
      return withGradients(x, sum(total(unstack(x).map((part) => tanh(part)))));
    },
  },
  {
    name: 'windows',
    title: 'sums of slices of one tensor that overlap, and of slices with gaps, with its gradient',
    build(nodes) {
      const x = vector(64);
      const parts = times(nodes / 7, (i) => sum(slice(x, [[i % 61, (i % 61) + 3]])));
      return withGradients(x, total(parts));
    },
  },
  {
    name: 'stack',
    title: 'a stack of parts, with its gradients',
    build(nodes) {
      const x = vector();
      const parts = times(nodes / 7, (i) => tanh(mul(x, i + 2)));
      return withGradients(x, sum(tanh(stack(parts))), parts);
    },
  },
  {
    name: 'joins',
    title: 'concatenations of concatenations, with their gradient',
    build(nodes) {
      const x = vector(16);
      const y = through(x, nodes / 14, (h) => concat([slice(h, [[8, 16]]), tanh(slice(h, [[0, 8]]))]));
      return withGradients(x, sum(y));
    },
  },
  {
    name: 'reductions',
    title: 'reductions of one tensor',
    build(nodes) {
      const x = input('x', [4, 8]);
      return { inputs: [x], outputs: [total(times(nodes / 5, (i) => sum(mul(x, i + 2), 0)))] };
    },
  },
  {
    name: 'optimizer',
    title: 'parameters of their own loss, updated by Adam',
    build(nodes) {
      const x = vector();
      const parameters = times(nodes / 34, () => weights([4]));
      const { result, trace } = traced(() => {
        const loss = sum(mul(x, total(parameters)));
        optim.adam().step(parameters, grad(loss, parameters));
        return loss;
      });
      return { inputs: [x], outputs: [result], assignments: trace.assignments };
    },
  },
  {
    name: 'ends',
    title: 'as many inputs, outputs and assignments',
    build(nodes) {
      const inputs = times(nodes / 4, (i) => input(`x${i}`, [4]));
      const variables = inputs.map(() => weights([4]));
      const { result, trace } = traced(() =>
        inputs.map((x, i) => {
          const own = at(variables, i);
          assign(own, add(own, x));
          return mul(x, at(variables, (i + 1) % variables.length));
        }),
      );
      return { inputs, outputs: result, assignments: trace.assignments };
    },
  },
  {
    name: 'loop',
    title: 'a loop with a large body and many carried values, with gradients',
    build(nodes) {
      const x = vector();
      const start = times(nodes / 25, () => x);
      const { carry } = scan(
        (carried) => ({ carry: carried.map((h, i) => tanh(add(h, at(carried, (i + 1) % carried.length)))) }),
        { carry: start, length: 3 },
      );
      return withGradients(x, sum(total(carry)));
    },
  },
  {
    name: 'checkpoints',
    title: 'checkpointed blocks in a row, with gradients',
    build(nodes) {
      const x = input('x', [2, 4]);
      const w = weights([4, 4]);
      const block = checkpoint((h: Tensor) => through(h, 8, (y) => tanh(matmul(y, w))));
      return withGradients(x, sum(through(x, nodes / 80, (y) => block(y))), [x, w]);
    },
  },
  {
    name: 'unrolled',
    title: 'steps of gradient descent in a row, each of them with grad',
    build(nodes) {
      const x = vector();
      const descend = (y: Tensor) => {
        const [slope] = grad(sum(mul(tanh(y), x)), [y]);
        return add(y, mul(slope as Tensor, -0.1));
      };
      return { inputs: [x], outputs: [through(x, nodes / 14, descend)] };
    },
  },
];
