import * as nn from '../../nn/index.js';
import { div, eq, mul, where } from '../../ops/primitives/elementwise.js';
import { activations, distributions } from './functions.js';
import { about, type Suspicion } from './hypothesis.js';

/** Another activation, or none. */
export const otherActivation: Suspicion = about(
  [
    nn.ReLU,
    nn.ReLU6,
    nn.LeakyReLU,
    nn.PReLU,
    nn.ELU,
    nn.CELU,
    nn.SELU,
    nn.Hardtanh,
    nn.Hardsigmoid,
    nn.Hardswish,
    nn.Sigmoid,
    nn.LogSigmoid,
    nn.Tanh,
    nn.Softsign,
    nn.Softplus,
    nn.GELU,
    nn.SiLU,
    nn.Mish,
  ],
  function* (_, { input: x }) {
    for (const { name, fn } of activations) yield { reason: `the original has ${name}`, output: () => fn(x) };
    yield { reason: 'the original has no activation', output: () => x };
  },
);

/** Softmax on another axis, or its logarithm. */
export const otherDistribution: Suspicion = about([nn.Softmax, nn.LogSoftmax], function* (_, { input: x }) {
  for (const { name, fn } of distributions(x))
    yield { reason: `the original has ${name}`, output: () => fn(x) };
  yield { reason: 'the original has no softmax', output: () => x };
});

const RATES = [0.5, 0.1, 0.2, 0.25, 0.3, 0.4, 0.05];

/** Dropout that was not off: what it left was scaled. */
export const activeDropout: Suspicion = about(
  [nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.DropPath],
  function* ({ p }, { input: x, recorded }) {
    for (const rate of [p, ...RATES])
      yield {
        reason: `recorded in training, with dropout of ${rate}: call eval() before recording`,
        output: () => where(eq(recorded, 0), 0, div(x, 1 - rate)),
      };
  },
);

/** An embedding that is scaled, or counts otherwise. */
export const otherEmbedding: Suspicion = about(
  [nn.Embedding],
  function* (layer, { input: x, output, graph }) {
    const scale = Math.sqrt(layer.embeddingDim);
    yield {
      reason: 'the original multiplies it by the root of its features',
      output: () => mul(output, scale),
    };
    for (const row of [0, 1, layer.numEmbeddings - 1])
      yield {
        reason: `the original has zeros for index ${row}, the padding`,
        output: () => where(eq(x, row).unsqueeze(-1), 0, output),
      };
    for (const step of [1, -1])
      yield {
        reason: `the original takes the row at the index ${step > 0 ? 'after' : 'before'} each one`,
        output: () => graph.given(x.add(step)),
      };
  },
);
