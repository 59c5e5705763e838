import { grad, scan, sigmoid, stopGradient, type Tensor } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { type Lowered, lowerGraph } from '#lib/compile/compile.js';
import { operandsOf } from '#lib/compile/plan/operands.js';
import { context, within } from '#lib/graph/context.js';
import { type InputAttributes, input } from '#lib/graph/leaf.js';
import { type CheckpointScope, moveOut } from '#lib/graph/scope.js';
import { substitute } from '#lib/graph/substitute.js';
import { nativeKernels } from '#lib/runtime/native-kernels.js';
import { planOf } from '../helpers/graphs.js';

const outer: CheckpointScope = { parent: undefined };
const inner: CheckpointScope = { parent: outer };
const sibling: CheckpointScope = { parent: outer };
const names = new Map<CheckpointScope | undefined, string>([
  [undefined, 'kept'],
  [outer, 'outer'],
  [inner, 'inner'],
  [sibling, 'sibling'],
]);
/** The scopes of what steps write in the arena. */
const scopesOf = ({ steps }: Lowered) =>
  steps.map((step) => {
    const scopes = operandsOf(step).writes.flatMap(({ buffer }) =>
      buffer.kind === 'arena' ? [names.get(buffer.scope)] : [],
    );
    return `${step.label}: ${scopes.join(', ')}`;
  });
const lowered = (inputs: readonly Tensor[], outputs: readonly Tensor[]) =>
  scopesOf(
    lowerGraph({ inputs: inputs as Parameters<typeof lowerGraph>[0]['inputs'], outputs }, nativeKernels),
  );

const x = input('x', [4, 4]);
const w = input('w', [4, 4]);

const inScope = <R>(scope: CheckpointScope | undefined, fn: () => R) => within({ ...context(), scope }, fn);

/** A value that a function makes in a scope, from which its result is moved out. */
function leaving(scope: CheckpointScope, fn: () => Tensor): Tensor {
  const value = inScope(scope, fn);
  moveOut(value, scope);
  return value;
}

const stretch = () => sigmoid(x.mul(1).matmul(w)).matmul(w);

describe('the scopes of nodes', () => {
  it('go with them into the steps, but for the value that leaves the scope', () => {
    const found = lowered([x, w], [leaving(outer, stretch).exp().matmul(w)]);
    expect(found).toEqual(['matmul: outer', 'sigmoid: outer', 'matmul: kept', 'exp: kept', 'matmul: ']);
  });

  it('are not those of gradients', () => {
    const scopes = grad(leaving(outer, stretch).sum(), [w]).map(({ scope }) => scope);
    expect(scopes).toEqual([undefined]);
  });

  it('make no other steps', () => {
    const stepsOf = (make: () => Tensor) => {
      const output = make();
      const outputs = [output, ...grad(output.square().sum(), [x, w])];
      const { steps } = lowerGraph({ inputs: [x, w] as Tensor<InputAttributes>[], outputs }, nativeKernels);
      return JSON.stringify(steps, (key, value) => (key.startsWith('scope') ? undefined : value));
    };
    expect(stepsOf(() => leaving(outer, stretch))).toBe(stepsOf(stretch));
  });

  it('are not in plans', () => {
    const plan = planOf({ inputs: [x, w] as Tensor<InputAttributes>[], outputs: [leaving(outer, stretch)] });
    expect(JSON.stringify(plan)).not.toContain('scope');
  });

  it('stay with nodes whose inputs are replaced', () => {
    const [copy] = substitute([inScope(inner, () => x.exp())], new Map([[x, w]]));
    expect(copy?.scope).toBe(inner);
  });

  it('do not reach into the bodies of loops', () => {
    const bodies: (CheckpointScope | undefined)[] = [];
    inScope(outer, () =>
      scan(
        ([carry], _) => {
          bodies.push(context().scope);
          return { carry: [(carry as Tensor).matmul(w)] };
        },
        { carry: [x], length: 3 },
      ),
    );
    expect(bodies).toEqual([undefined]);
  });
});

describe('a value that leaves a scope', () => {
  it('is kept as far out as it goes', () => {
    const out = leaving(outer, () => leaving(inner, () => x.matmul(w)));
    const within = leaving(outer, () => leaving(inner, () => x.matmul(w).exp().matmul(w)).matmul(w));
    expect(lowered([x, w], [out.matmul(w)])).toEqual(['matmul: kept', 'matmul: ']);
    expect(lowered([x, w], [within.matmul(w)])).toEqual([
      'matmul: inner',
      'exp: inner',
      'matmul: outer',
      'matmul: kept',
      'matmul: ',
    ]);
  });

  it('is kept where views are taken of it', () => {
    const view = leaving(outer, () => stopGradient(x.matmul(w)).transpose().reshape([16]));
    expect(lowered([x, w], [view.exp()])).toEqual(['matmul: kept', 'contiguous permute: kept', 'exp: ']);
  });

  it('is not what only reads it', () => {
    const value = inScope(outer, () => x.matmul(w));
    expect(lowered([x, w], [value.transpose().matmul(w)])).toEqual(['matmul: outer', 'matmul: ']);
  });

  it('stays where it is when it comes from outside', () => {
    const value = inScope(inner, () => x.matmul(w));
    expect(leaving(sibling, () => value).scope).toBe(inner);
  });
});

describe('equal nodes', () => {
  it('are one, which is kept as long as the first', () => {
    const products = (...scopes: (CheckpointScope | undefined)[]) => {
      const read = scopes.map((scope, i) =>
        inScope(scope, () => x.matmul(w))
          .exp()
          .mul(i + 2),
      );
      return lowered([x, w], read).filter((text) => text.startsWith('matmul'));
    };
    expect(products(undefined, outer, inner)).toEqual(['matmul: kept']);
    expect(products(inner, sibling, undefined)).toEqual(['matmul: inner']);
  });
});

describe('the values of a step', () => {
  it('have scopes of their own, where it computes for several', () => {
    const before = x.exp();
    const made = inScope(outer, () => before.neg());
    const after = made.tanh();
    const outputs = [before, made, after].map((value) => value.matmul(w));
    expect(lowered([x, w], outputs)[0]).toBe('exp+neg+tanh: kept, outer, kept');
  });

  it('are copied for as long as what the copies are made for', () => {
    const copies = (fn: () => Tensor) =>
      lowered([x, w], [fn().sum()]).filter((text) => text.startsWith('contiguous'));
    const flat = () => x.exp().transpose().reshape([2, 8]).sum([1]);
    expect(copies(flat)).toEqual(['contiguous permute: kept']);
    expect(copies(() => inScope(outer, flat))).toEqual(['contiguous permute: outer']);
    expect(copies(() => leaving(outer, flat))).toEqual(['contiguous permute: outer']);
  });
});
