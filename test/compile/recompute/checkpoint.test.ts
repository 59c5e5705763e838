import {
  assign,
  checkpoint,
  checkpointSequential,
  compile,
  customGradient,
  grad,
  hvp,
  nn,
  type Tensor,
  tensor,
} from 'chainrule';
import { describe, expect, it } from 'vitest';
import { bitsOf, expectSameBits, lossAndGradients, type Wrap } from '../../helpers/checkpointed.js';
import { valuesOf, variable } from '../../helpers/graphs.js';
import { noise } from '../../helpers/training.js';

const like = (...shape: number[]) =>
  tensor(
    noise(
      shape.reduce((a, b) => a * b),
      2,
    ),
    { shape },
  );

/** The loss and gradients of a chain, each of whose layers is a stretch of its own. */
const chain = (wrap: Wrap, model: nn.Sequential) => (x: Tensor) => {
  const layers = model.namedChildren().map(([, layer]) => wrap((y: Tensor) => layer.forward(y)));
  return lossAndGradients(
    layers.reduce((value, layer) => layer(value), x),
    model,
    [x],
  );
};

const dense = (width: number) =>
  new nn.Sequential(new nn.Linear(width, width), new nn.GELU(), new nn.Dropout(0.3), new nn.LayerNorm(width));

describe('gradients through checkpoints have the bits of those without', () => {
  it('in a network with dropout', () =>
    expectSameBits(
      () => new nn.Sequential(dense(6), dense(6), new nn.Sequential(dense(6), new nn.Linear(6, 2))),
      chain,
      [like(8, 6)],
    ));

  it('in a convolutional one with batch norm, whose running statistics move once', () =>
    expectSameBits(
      () =>
        new nn.Sequential(
          new nn.Sequential(new nn.Conv2d(2, 4, 3, { padding: 1 }), new nn.BatchNorm2d(4), new nn.ReLU()),
          new nn.Residual(
            new nn.Sequential(
              new nn.Conv2d(4, 4, 3, { padding: 1 }),
              new nn.BatchNorm2d(4, { momentum: null }),
            ),
          ),
          new nn.Sequential(new nn.Flatten(), new nn.Linear(4 * 25, 3)),
        ),
      chain,
      [like(3, 5, 5, 2)],
    ));

  it('in transformer layers with dropout of the attention', () =>
    expectSameBits(
      () =>
        new nn.Sequential(
          new nn.TransformerEncoderLayer(8, 2, { dimFeedforward: 16, dropout: 0.2 }),
          new nn.TransformerEncoderLayer(8, 2, { dimFeedforward: 16, dropout: 0.2 }),
        ),
      chain,
      [like(2, 5, 8)],
    ));

  it('in transformer layers whose attention is one kernel', () =>
    expectSameBits(
      () =>
        new nn.Sequential(
          new nn.TransformerEncoderLayer(8, 2, { dimFeedforward: 16, dropout: 0.2, causal: true }),
          new nn.TransformerEncoderLayer(8, 2, { dimFeedforward: 16, dropout: 0.2 }),
        ),
      chain,
      [like(2, 40, 8)],
    ));

  it('in recurrent layers', () =>
    expectSameBits(
      () =>
        new nn.Sequential(
          new nn.LSTM(3, 4, { numLayers: 2, dropout: 0.2, bidirectional: true }),
          new nn.GRU(8, 4),
        ),
      chain,
      [like(2, 6, 3)],
    ));

  it('in checkpoints of checkpoints', () =>
    expectSameBits(
      () => new nn.Sequential(dense(5), dense(5)),
      (wrap, model) => (x) => {
        const [first, second] = model.namedChildren().map(([, layer]) => layer);
        const inner = wrap((y: Tensor) => (first as nn.Module).forward(y).tanh());
        const outer = wrap((y: Tensor) => (second as nn.Module).forward(inner(y.exp())).mul(inner(y)));
        return lossAndGradients(wrap((y: Tensor) => outer(y).add(y))(x), model, [x]);
      },
      [like(4, 5)],
    ));

  it('of the second order', () =>
    expectSameBits(
      () => dense(4),
      (wrap, model) => (x, v) => {
        const loss = (y: Tensor) =>
          wrap((z: Tensor) => model.forward(z).tanh())(y)
            .square()
            .sum();
        return hvp(loss, [x], [v]);
      },
      [like(3, 4), like(3, 4).mul(2)],
    ));

  it('taken inside of a checkpoint', () =>
    expectSameBits(
      () => dense(4),
      (wrap, model) => (x) => {
        const slope = wrap((y: Tensor) => grad(model.forward(y).square().sum(), [y]));
        const [first] = slope(x) as [Tensor];
        return lossAndGradients(first, model, [x]);
      },
      [like(3, 4)],
    ));

  it('by rules of the user', () =>
    expectSameBits(
      () => dense(4),
      (wrap, model) => (x) => {
        const scaled = customGradient(
          (y: Tensor) => y.exp(),
          (gradient, [y], output) => gradient.mul(output).add((y as Tensor).sin()),
        );
        return lossAndGradients(wrap((y: Tensor) => scaled(model.forward(scaled(y))))(x), model, [x]);
      },
      [like(3, 4)],
    ));

  it('where functions take and give several tensors', () =>
    expectSameBits(
      () => dense(4),
      (wrap, model) => (x, index) => {
        const fn = wrap((y: Tensor, at: Tensor) => {
          const hidden = model.forward(y);
          return { hidden, parts: [hidden.tanh().slice([[0, 2]]), at.add(1)], same: y, none: undefined };
        });
        const { hidden, parts, same } = fn(x, index);
        const output = hidden
          .mul(same)
          .slice([[0, 2]])
          .add(parts[0] as Tensor);
        return [...lossAndGradients(output, model, [x]), parts[1] as Tensor];
      },
      [like(3, 4), tensor(Int32Array.of(3, 1))],
    ));

  it('outside of compiled functions', async () => {
    const x = like(3, 4);
    const model = dense(4).init(1).eval();
    const found = [checkpoint((y: Tensor) => model.forward(y))(x), model.forward(x)].map((output) =>
      bitsOf(lossAndGradients(output, model, [x])),
    );
    expect(await found[0]).toEqual(await found[1]);
  });
});

describe('what is assigned in a checkpoint', () => {
  it('is assigned once, and read by later assignments', async () => {
    const count = variable([1], [1]);
    const scale = variable([1], [3]);
    const step = compile((x: Tensor) => {
      const doubled = checkpoint((y: Tensor) => {
        const next = count.mul(2);
        assign(count, next);
        return y.exp().mul(scale).mul(next);
      });
      return grad(doubled(x).sum(), [x, scale]);
    });
    for (let i = 0; i < 3; i++) await step([1]);
    expect(valuesOf(count)).toEqual([8]);
    step.release();
  });
});

describe('checkpointSequential', () => {
  const blocks = () => Array.from({ length: 7 }, () => dense(4));

  it.each([1, 2, 3, 7])('gives the bits of the chain, in %i stretches', (segments) =>
    expectSameBits(
      () => new nn.Sequential(...blocks()),
      (wrap, model) => (x) => {
        const cut = wrap === checkpoint ? checkpointSequential(model, segments) : model.forward.bind(model);
        return lossAndGradients(cut(x), model, [x]);
      },
      [like(3, 4)],
    ),
  );

  it('takes functions, and checkpoints among its layers', () =>
    expectSameBits(
      () => new nn.Sequential(...blocks()),
      (wrap, model) => (x) => {
        const layers = model.namedChildren().map(([, layer]) => layer);
        const mixed = layers.map((layer, i) => (i % 2 === 0 ? wrap((y: Tensor) => layer.forward(y)) : layer));
        const run = wrap === checkpoint ? checkpointSequential(mixed, 3) : model.forward.bind(model);
        return lossAndGradients(run(x), model, [x]);
      },
      [like(3, 4)],
    ));

  it('cuts nearly equal stretches, and leaves the last one as it is', () => {
    const scopes: string[] = [];
    const layer = (x: Tensor) => {
      const next = x.exp();
      scopes.push(next.scope ? 'again' : 'kept');
      return next;
    };
    checkpointSequential(Array(7).fill(layer), 3)(like(2));
    expect(scopes).toEqual(['again', 'again', 'again', 'again', 'kept', 'kept', 'kept']);
  });
});

describe('nn.Checkpoint', () => {
  it('is the layer with its parameters under inner', () => {
    const layer = new nn.Checkpoint(new nn.Linear(2, 3));
    expect(layer.namedParameters().map(([path]) => path)).toEqual(['inner.weight', 'inner.bias']);
  });

  it('hands on all inputs, and gives the bits of the layer', () =>
    expectSameBits(
      () => new nn.Sequential(new nn.MultiheadAttention(4, 2, { dropout: 0.2 })),
      (wrap, model) => (x, y) => {
        const [, layer] = model.namedChildren()[0] as [string, nn.Module];
        const used = wrap === checkpoint ? new nn.Checkpoint(layer) : layer;
        return lossAndGradients(used.forward(x, y), model, [x, y]);
      },
      [like(2, 3, 4), like(2, 5, 4)],
    ));
});
