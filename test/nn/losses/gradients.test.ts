import { nn, type Shape, type Tensor, tensor } from 'chainrule';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkOp, type Fn, type InputSpec } from '../../helpers/check-op.js';
import { expectClose } from '../../helpers/close.js';
import { lossNames } from '../../helpers/loss-names.js';
import { at, build, mapPlain, type Plain, reducePlain, total } from '../../helpers/naive/naive.js';
import { hashIntegers, hashUniform } from '../../helpers/random-graph/random.js';

/** Name, loss, inputs, and the loss of every element or sample, written naively. */
interface Case {
  readonly name: string;
  readonly inputs: readonly (Shape | InputSpec)[];
  readonly loss: (options: { reduction: nn.Reduction }) => Fn;
  readonly elements: (...inputs: Plain[]) => Plain;
  /** The divisor of the mean, if it is not the number of elements. */
  readonly weight?: number;
}

/** A loss of a tensor and a constant. */
const fixed = (f: (x: Tensor) => Tensor): Fn => f as Fn;
const last = (x: Plain) => x.shape.length - 1;
const overLast = (x: Plain, f: (values: number[]) => number): Plain => reducePlain(x, [last(x)], f);
const labelled = (
  x: Plain,
  labels: readonly number[],
  f: (values: number[], label: number) => number,
): Plain => {
  let sample = 0;
  return overLast(x, (values) => f(values, labels[sample++] as number));
};
const logShare = (values: readonly number[], place: number) =>
  (values[place] as number) - Math.log(total(values.map(Math.exp)));

const labels = [1, 3, 0, 3, 2, 1];
const labelTensor = tensor(Int32Array.from(labels), { shape: [2, 3] });
// The last one is no float32: numbers stay as exact as the output.
const factors = [0.5, 2, 1.25, 0.7];
const inside = (shape: Shape, low: number, high: number): InputSpec => ({ shape, low, high });

const crossEntropies: Case[] = [
  {
    name: 'crossEntropy',
    inputs: [[2, 3, 4]],
    loss: (options) => fixed((x) => nn.crossEntropy(x, labelTensor, options)),
    elements: (x) => labelled(x, labels, (values, label) => -logShare(values, label)),
  },
  {
    name: 'crossEntropy of one class',
    inputs: [[3, 1]],
    loss: (options) => fixed((x) => nn.crossEntropy(x, tensor(Int32Array.of(0, 0, 0)), options)),
    elements: (x) => labelled(x, [0, 0, 0], () => 0),
  },
  {
    name: 'crossEntropy with every option',
    inputs: [[2, 3, 4]],
    loss: (options) =>
      fixed((x) =>
        nn.crossEntropy(x, labelTensor, { weight: factors, ignoreIndex: 3, labelSmoothing: 0.2, ...options }),
      ),
    elements: (x) =>
      labelled(x, labels, (values, label) => {
        if (label === 3) return 0;
        const terms = values.map((_, c) => -(factors[c] as number) * logShare(values, c));
        return 0.8 * (terms[label] as number) + (0.2 / 4) * total(terms);
      }),
    weight: 2 + 0.5 + 1.25 + 2,
  },
  {
    name: 'crossEntropy of probabilities',
    inputs: [[3, 4], inside([3, 4], 0.05, 0.95)],
    loss: (options) => (x, p) =>
      nn.crossEntropy(x as Tensor, p as Tensor, { weight: factors, labelSmoothing: 0.1, ...options }),
    elements: (x, p) =>
      build([3], ([row]) => {
        const values = x.data.slice(4 * (row as number), 4 * (row as number) + 4);
        const terms = values.map((_, c) => {
          const share = 0.9 * at(p, [row as number, c]) + 0.1 / 4;
          return -(factors[c] as number) * share * logShare(values, c);
        });
        return total(terms);
      }),
  },
  {
    name: 'nllLoss',
    inputs: [[2, 3, 4]],
    loss: (options) =>
      fixed((x) =>
        nn.nllLoss(x, labelTensor, {
          ignoreIndex: 1,
          weight: tensor(factors, { dtype: 'float64' }),
          ...options,
        }),
      ),
    elements: (x) =>
      labelled(x, labels, (values, label) =>
        label === 1 ? 0 : -(factors[label] as number) * (values[label] as number),
      ),
    weight: 0.7 + 0.5 + 0.7 + 1.25,
  },
  {
    name: 'multiMarginLoss',
    // A margin that no difference of outputs comes near.
    inputs: [inside([2, 3, 4], -0.4, 0.4)],
    loss: (options) => fixed((x) => nn.multiMarginLoss(x, labelTensor, { ...options })),
    elements: (x) =>
      labelled(x, labels, (values, label) => {
        const gaps = values.map((value, c) =>
          c === label ? 0 : Math.max(0, 1 - (values[label] as number) + value),
        );
        return total(gaps) / 4;
      }),
  },
  {
    name: 'multiMarginLoss squared',
    inputs: [inside([2, 3, 4], -0.4, 0.4)],
    loss: (options) => fixed((x) => nn.multiMarginLoss(x, labelTensor, { p: 2, margin: 2, ...options })),
    elements: (x) =>
      labelled(x, labels, (values, label) => {
        const gaps = values.map((value, c) =>
          c === label ? 0 : (2 - (values[label] as number) + value) ** 2,
        );
        return total(gaps) / 4;
      }),
  },
];

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const yesNo = (p: number, t: number, positive = 1) => -positive * t * Math.log(p) - (1 - t) * Math.log(1 - p);
const binaries: Case[] = [
  {
    name: 'binaryCrossEntropyWithLogits',
    inputs: [inside([3, 5], -6, 6), inside([3, 5], 0.05, 0.95)],
    loss: (options) => (x, t) => nn.binaryCrossEntropyWithLogits(x as Tensor, t as Tensor, options),
    elements: (x, t) => mapPlain((a, b) => yesNo(sigmoid(a), b), x, t),
  },
  {
    name: 'binaryCrossEntropyWithLogits with weights',
    inputs: [inside([3, 4], -6, 6), inside([3, 4], 0.05, 0.95)],
    loss: (options) => (x, t) =>
      nn.binaryCrossEntropyWithLogits(x as Tensor, t as Tensor, {
        posWeight: 3,
        weight: factors,
        ...options,
      }),
    elements: (x, t) =>
      build(
        x.shape,
        (index) => (factors[index[1] as number] as number) * yesNo(sigmoid(at(x, index)), at(t, index), 3),
      ),
  },
  {
    name: 'binaryCrossEntropy',
    inputs: [inside([3, 5], 0.05, 0.95), inside([3, 5], 0.05, 0.95)],
    loss: (options) => (p, t) => nn.binaryCrossEntropy(p as Tensor, t as Tensor, options),
    elements: (p, t) => mapPlain(yesNo, p, t),
  },
];

const huber = (delta: number) => (d: number) =>
  Math.abs(d) <= delta ? d ** 2 / 2 : delta * (Math.abs(d) - delta / 2);
const ofDifferences = (
  name: string,
  loss: (x: Tensor, y: Tensor, options: nn.ReductionOptions) => Tensor,
  f: (d: number) => number,
  range: readonly [number, number],
): Case => ({
  name,
  // Differences are in the range, from one end of it to the other.
  inputs: [
    inside([3, 5], 0, (range[1] - range[0]) / 2),
    inside([3, 5], -(range[0] + range[1]) / 2, -range[0]),
  ],
  loss: (options) => (x, y) => loss(x as Tensor, y as Tensor, options),
  elements: (x, y) => mapPlain((a, b) => f(a - b), x, y),
});
const regressions: Case[] = [
  ofDifferences('mseLoss', nn.mseLoss, (d) => d ** 2, [-3, 3]),
  ofDifferences('maeLoss', nn.maeLoss, Math.abs, [0.1, 3]),
  ofDifferences('maeLoss below 0', nn.maeLoss, Math.abs, [-3, -0.1]),
  ofDifferences('huberLoss near', nn.huberLoss, huber(1), [-0.9, 0.9]),
  ofDifferences('huberLoss far', (x, y, o) => nn.huberLoss(x, y, { delta: 0.5, ...o }), huber(0.5), [0.6, 3]),
  ofDifferences('smoothL1Loss near', nn.smoothL1Loss, huber(1), [-0.9, 0.9]),
  ofDifferences(
    'smoothL1Loss far',
    (x, y, o) => nn.smoothL1Loss(x, y, { beta: 0.5, ...o }),
    (d) => Math.abs(d) - 0.25,
    [-3, -0.6],
  ),
];

const hinges = [
  ['hingeLoss', nn.hingeLoss, 1],
  ['squaredHingeLoss', nn.squaredHingeLoss, 2],
] as const;
const margins: Case[] = hinges.flatMap(([name, loss, power]) =>
  // Products of output and target below the margin, and beyond.
  [inside([2, 3], 0.2, 0.8), inside([2, 3], 1.2, 2)].map(
    (spec): Case => ({
      name: `${name} from ${spec.low}`,
      inputs: [spec, spec],
      loss: (options) => (x, t) => loss(x as Tensor, t as Tensor, options),
      elements: (x, t) => mapPlain((a, b) => Math.max(0, 1 - a * b) ** power, x, t),
    }),
  ),
);

const norm = (values: readonly number[], p: number) =>
  p === Number.POSITIVE_INFINITY
    ? Math.max(...values.map(Math.abs))
    : total(values.map((v) => Math.abs(v) ** p)) ** (1 / p);
const rowsOf = (x: Plain) => {
  const length = x.shape.at(-1) as number;
  return Array.from({ length: x.data.length / length }, (_, i) => x.data.slice(i * length, (i + 1) * length));
};
const distance = (a: readonly number[], b: readonly number[], p: number) =>
  norm(
    a.map((value, i) => value - (b[i] as number) + 1e-6),
    p,
  );
const triplets = [1, 2, 3.5, Number.POSITIVE_INFINITY].flatMap((p) =>
  [false, true].map(
    (swap): Case => ({
      name: `tripletMarginLoss of p ${p}${swap ? ' with swap' : ''}`,
      inputs: [
        [3, 2],
        [3, 2],
        [3, 2],
      ],
      // So wide a margin that every triplet counts.
      loss: (options) => (a, b, c) =>
        nn.tripletMarginLoss(a as Tensor, b as Tensor, c as Tensor, { margin: 9, p, swap, ...options }),
      elements: (anchor, positive, negative) => {
        const [a, b, c] = [anchor, positive, negative].map(rowsOf) as [number[][], number[][], number[][]];
        return build([3], ([row]) => {
          const [x, y, z] = [a[row as number], b[row as number], c[row as number]] as [
            number[],
            number[],
            number[],
          ];
          const far = swap ? Math.min(distance(x, z, p), distance(y, z, p)) : distance(x, z, p);
          return 9 + distance(x, y, p) - far;
        });
      },
    }),
  ),
);

const pairs = [1, -1, 1, -1];
const embeddings: Case[] = [
  {
    name: 'cosineEmbeddingLoss',
    inputs: [inside([4, 3], 0.2, 2), inside([4, 3], 0.2, 2)],
    loss: (options) => (a, b) =>
      nn.cosineEmbeddingLoss(a as Tensor, b as Tensor, tensor(pairs, { dtype: 'float64' }), {
        margin: 0.1,
        ...options,
      }),
    elements: (a, b) => {
      const [first, second] = [rowsOf(a), rowsOf(b)];
      return build([4], ([row]) => {
        const [x, y] = [first[row as number], second[row as number]] as [number[], number[]];
        const product = total(x.map((value, i) => value * (y[i] as number)));
        // The same 1e-12 keeps the lengths off 0.
        const cosine = product / Math.sqrt((norm(x, 2) ** 2 + 1e-12) * (norm(y, 2) ** 2 + 1e-12));
        return pairs[row as number] === 1 ? 1 - cosine : Math.max(0, cosine - 0.1);
      });
    },
  },
  ...triplets,
];

const counts = [0, 1, 2, 3, 7, 2];
const countTensor = tensor(counts, { shape: [2, 3], dtype: 'float64' });
const stirling = (n: number) => (n > 1 ? n * Math.log(n) - n + Math.log(2 * Math.PI * n) / 2 : 0);
const likelihoods: Case[] = [
  {
    name: 'klDivergence',
    inputs: [inside([3, 4], -3, -0.1), inside([3, 4], 0.05, 0.95)],
    loss: (options) => (x, t) => nn.klDivergence(x as Tensor, t as Tensor, options),
    elements: (x, t) => mapPlain((a, b) => b * (Math.log(b) - a), x, t),
  },
  {
    name: 'klDivergence of logTarget',
    inputs: [inside([3, 4], -3, -0.1), inside([3, 4], -3, -0.1)],
    loss: (options) => (x, t) => nn.klDivergence(x as Tensor, t as Tensor, { logTarget: true, ...options }),
    elements: (x, t) => mapPlain((a, b) => Math.exp(b) * (b - a), x, t),
  },
  {
    name: 'poissonNLLLoss',
    inputs: [[2, 3]],
    loss: (options) => fixed((x) => nn.poissonNLLLoss(x, countTensor, options)),
    elements: (x) =>
      build(
        x.shape,
        (index) => Math.exp(at(x, index)) - at({ shape: [2, 3], data: counts }, index) * at(x, index),
      ),
  },
  {
    name: 'poissonNLLLoss of rates',
    inputs: [inside([2, 3], 0.2, 3), inside([2, 3], 1.1, 6)],
    loss: (options) => (x, n) =>
      nn.poissonNLLLoss(x as Tensor, n as Tensor, { logInput: false, full: true, eps: 1e-3, ...options }),
    elements: (x, n) => mapPlain((a, b) => a - b * Math.log(a + 1e-3) + stirling(b), x, n),
  },
  {
    name: 'gaussianNLLLoss',
    inputs: [[2, 3], [2, 3], inside([2, 3], 0.2, 3)],
    loss: (options) => (m, t, v) =>
      nn.gaussianNLLLoss(m as Tensor, t as Tensor, v as Tensor, { full: true, ...options }),
    elements: (m, t, v) =>
      mapPlain((a, b, c) => 0.5 * (Math.log(c) + (a - b) ** 2 / c + Math.log(2 * Math.PI)), m, t, v),
  },
];

const every = [...crossEntropies, ...binaries, ...regressions, ...margins, ...embeddings, ...likelihoods];

describe('losses in float64 against their definitions and differences', () => {
  it.each(every)('$name, with every reduction', async ({ name, inputs, loss, elements, weight }) => {
    await checkOp(name, loss({ reduction: 'none' }), inputs, { reference: elements });
    const reduced =
      (f: (values: Plain) => number) =>
      (...plain: Plain[]): Plain => ({ shape: [], data: [f(elements(...plain))] });
    const sum = reduced(({ data }) => total(data));
    const mean = reduced(({ data }) => total(data) / (weight ?? data.length));
    await checkOp(name, loss({ reduction: 'sum' }), inputs, { reference: sum });
    await checkOp(name, loss({ reduction: 'mean' }), inputs, { reference: mean });
  });

  it("klDivergence by 'batchmean'", async () => {
    await checkOp(
      'klDivergence batchmean',
      (x, t) => nn.klDivergence(x as Tensor, t as Tensor, { reduction: 'batchmean' }),
      [inside([3, 4], -3, -0.1), inside([3, 4], 0.05, 0.95)],
      {
        reference: (x, t) => ({
          shape: [],
          data: [total(mapPlain((a, b) => b * (Math.log(b) - a), x, t).data) / 3],
        }),
      },
    );
  });

  it('crossEntropy takes the classes from the last axis of any shape', async () => {
    const shapes = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(shapes, fc.integer({ min: 1, max: 9 }), fc.nat(1000), async (lead, classes, seed) => {
        const count = lead.reduce((a, b) => a * b, 1);
        const values = hashUniform(count * classes, seed, -9, 9);
        const places = hashIntegers(count, seed + 1, classes);
        const losses = nn.crossEntropy(
          tensor(Float64Array.from(values), { shape: [...lead, classes] }),
          tensor(Int32Array.from(places), { shape: lead }),
          { reduction: 'none' },
        );
        expect(losses.shape).toEqual(lead);
        const expected = places.map(
          (place, i) => -logShare(values.slice(i * classes, (i + 1) * classes), place),
        );
        expectClose('crossEntropy', await losses.data(), expected, { relative: 1e-12 });
      }),
      { numRuns: 60, seed: 5 },
    );
  });

  it('every loss of the package is among them', () => {
    const checked = new Set(every.map(({ name }) => name.split(' ')[0]));
    expect(lossNames.filter((name) => !checked.has(name))).toEqual([]);
  });
});
