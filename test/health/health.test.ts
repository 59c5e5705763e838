import {
  compile,
  formatHealth,
  full,
  grad,
  type HealthReport,
  inspect,
  nn,
  optim,
  stopGradient,
  type Tensor,
  tensor,
  where,
} from 'chainrule';
import { describe, expect, it } from 'vitest';
import { expectClose } from '../helpers/close.js';
import { hashUniform } from '../helpers/random-graph/random.js';

const random = (shape: readonly number[], seed: number): Tensor =>
  tensor(
    Float32Array.from(
      hashUniform(
        shape.reduce((a, b) => a * b, 1),
        seed,
        -1,
        1,
      ),
    ),
    { shape },
  );
const data = async (x: Tensor): Promise<number[]> => [...(await x.data())];
const norm = (values: Iterable<number>) => Math.sqrt([...values].reduce((sum, v) => sum + v * v, 0));
const kinds = ({ findings }: HealthReport) => findings.map(({ kind }) => kind);
const finding = ({ findings }: HealthReport, kind: string) => findings.find((found) => found.kind === kind);

const x = random([12, 5], 1);
const labels = tensor(Int32Array.from({ length: 12 }, (_, i) => i % 3));
const two = () => new nn.Sequential(new nn.Linear(5, 8), new nn.ReLU(), new nn.Linear(8, 3)).init(1);

/** Layers of one width with sigmoids between them. */
const deep = (init: nn.init.Initialiser, activation: () => nn.Module, depth = 14) =>
  new nn.Sequential(
    ...Array.from({ length: depth }, () => [new nn.Linear(5, 5, { init }), activation()]).flat(),
    new nn.Linear(5, 3),
  ).init(1);

describe('inspect', () => {
  it('tells the figures of each layer, ReLU and parameter', async () => {
    const model = two();
    const [first, relu, last] = [model[0], model[1], model[2]] as nn.Module[] as [
      nn.Linear,
      nn.ReLU,
      nn.Linear,
    ];
    const report = await inspect(model, nn.crossEntropy, x, labels, { lr: 0.5 });

    const [a, h] = [first.forward(x), relu.forward(first.forward(x))];
    const loss = nn.crossEntropy(last.forward(h), labels);
    expect(report.loss).toBeCloseTo(await loss.item(), 6);
    expect(report.layers.map(({ path, type, shape }) => [path, type, shape])).toEqual([
      ['0', 'Linear', [12, 8]],
      ['1', 'ReLU', [12, 8]],
      ['2', 'Linear', [12, 3]],
    ]);
    const values = await data(a);
    const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
    const std = norm(values.map((v) => v - mean)) / Math.sqrt(values.length);
    const [layer, hidden, logits] = report.layers;
    const found = [layer?.mean ?? 0, layer?.std ?? 0, layer?.rms ?? 0];
    expectClose('mean, std, rms', found, [mean, std, norm(values) / Math.sqrt(values.length)], {
      relative: 1e-6,
    });
    const outputs = await data(h);
    const zero = outputs.filter((v) => v === 0).length / outputs.length;
    expect([layer?.zeros, hidden?.zeros]).toEqual([0, zero]);

    // The gradients for the layers' outputs, by hand from the last one: (softmax - one-hot) / rows, times W.
    const output = last.forward(h);
    const [delta] = grad(nn.crossEntropy(output, labels), [output]);
    const back = (delta as Tensor).matmul(last.weight);
    const norms = [norm(await data(back)), norm(await data(delta as Tensor))] as const;
    expect(hidden?.gradientNorm).toBeCloseTo(norms[0], 6);
    expect(logits?.gradientNorm).toBeCloseTo(norms[1], 6);
    expect(hidden?.gradientRatio).toBeCloseTo(norms[0] / norms[1], 5);
    expect(logits?.gradientRatio).toBe(1);

    const units = Array.from({ length: 8 }, (_, unit) => outputs.filter((_v, i) => i % 8 === unit));
    const dead = units.filter((column) => column.every((v) => v === 0)).length / 8;
    expect(report.relus).toEqual([{ path: '1', units: 8, zeros: zero, dead }]);

    expect(report.parameters.map(({ path }) => path)).toEqual(['0.weight', '0.bias', '2.weight', '2.bias']);
    const gradients = await Promise.all(grad(loss, model.parameters()).map(data));
    for (const [i, { storage }] of model.parameters().entries()) {
      const row = report.parameters[i];
      const slope = norm(gradients[i] as number[]);
      expect(row?.norm).toBeCloseTo(norm(storage.data), 5);
      expect(row?.gradientNorm).toBeCloseTo(slope, 6);
      expect(row?.updateRatio).toBeCloseTo((0.5 * slope) / norm(storage.data), 5);
      expect(row?.nonFinite).toEqual({ values: 0, gradient: 0 });
    }
    expect([report.firstNonFinite, report.findings]).toEqual([null, []]);
  });

  it('tells the update that the optimiser makes next, from its present state', async () => {
    const model = two();
    const optimizer = optim.adam({ lr: 0.01, weightDecay: 0.1, clipNorm: 0.05 });
    const step = compile(() => {
      const loss = nn.crossEntropy(model.forward(x), labels);
      optimizer.step(model.parameters(), grad(loss, model.parameters()));
      return loss;
    });
    for (let i = 0; i < 3; i++) await step();
    const before = model.parameters().map(({ storage }) => storage.data.slice());
    const report = await inspect(model, nn.crossEntropy, x, labels, { optimizer });
    expect(optimizer.steps).toBe(3);
    expect(model.parameters().map(({ storage }) => storage.data)).toEqual(before);
    await step();
    step.release();
    for (const [i, { storage }] of model.parameters().entries()) {
      const old = before[i] as Float32Array;
      const change = norm(Array.from(storage.data, (v, at) => v - (old[at] as number)));
      expect((report.parameters[i]?.updateRatio ?? 0) / (change / norm(old))).toBeCloseTo(1, 3);
    }
  });

  it('has no update ratio without an update', async () => {
    const ratios = async (model: nn.Module, options = {}) =>
      (await inspect(model, nn.crossEntropy, x, labels, options)).parameters.map(
        ({ updateRatio }) => updateRatio,
      );
    expect(await ratios(two())).toEqual([null, null, null, null]);
    expect(await ratios(two(), { optimizer: optim.sgd({ lr: 1, accumulate: 2 }) })).toEqual([
      null,
      null,
      null,
      null,
    ]);
    const frozen = two();
    (frozen[0] as nn.Module).freeze();
    const [weight, , head] = await ratios(frozen, { optimizer: optim.sgd({ lr: 1 }) });
    expect([weight, typeof head]).toEqual([null, 'number']);
    expect(await ratios(two().freeze(), { optimizer: optim.sgd({ lr: 1 }) })).toEqual([
      null,
      null,
      null,
      null,
    ]);
    const zero = new nn.Sequential(new nn.Linear(5, 3, { init: nn.init.zeros })).init(1);
    expect((await ratios(zero, { lr: 1 }))[0]).toBeNull();
  });

  it('leaves the model as it was, also when the loss throws', async () => {
    const model = new nn.Sequential(new nn.Linear(5, 4), new nn.BatchNorm1d(4), new nn.Linear(4, 3)).init(1);
    const buffers = () => model.namedBuffers().map(([, { storage }]) => storage.data.slice());
    const before = buffers();
    await inspect(model, nn.crossEntropy, x, labels);
    expect(buffers()).toEqual(before);
    const fail = () => {
      throw new Error('no loss');
    };
    await expect(inspect(model, fail, x, labels)).rejects.toThrow('no loss');
    expect(
      [model, ...model.namedChildren().map(([, child]) => child)].filter((m) => Object.hasOwn(m, 'forward')),
    ).toEqual([]);
  });

  it('lists functions in their module, outer modules with an output of their own, and shared ones by number', async () => {
    class Twice extends nn.Module {
      fc = new nn.Linear(5, 5);
      head = new nn.Linear(5, 3);
      forward(input: Tensor): Tensor {
        const once = this.fc.forward(input).relu();
        return this.head.forward(this.fc.forward(once).relu()).mul(2);
      }
    }
    const report = await inspect(new Twice().init(1), nn.crossEntropy, x, labels);
    expect(report.layers.map(({ path }) => path)).toEqual(['fc', 'fc (2)', 'head', '(model)']);
    expect(report.relus.map(({ path }) => path)).toEqual(['(model)', '(model) (2)']);
  });

  it('does not take what no gradient flows to for vanishing', async () => {
    class Target extends nn.Module {
      fixed = new nn.Linear(5, 3);
      free = new nn.Linear(5, 3);
      forward(input: Tensor): Tensor {
        return this.free.forward(input).add(stopGradient(this.fixed.forward(input)));
      }
    }
    const report = await inspect(new Target().init(1), nn.crossEntropy, x, labels);
    expect(report.layers.map(({ path, gradientRatio }) => [path, gradientRatio === null])).toEqual([
      ['free', false],
      ['fixed', true],
      ['(model)', false],
    ]);
    expect(kinds(report)).toEqual(['untrained']);
    expect(finding(report, 'untrained')?.layers).toEqual(['fixed.weight', 'fixed.bias']);
  });

  it('takes bytes and several inputs', async () => {
    class Sum extends nn.Module {
      fc = new nn.Linear(5, 3);
      forward(a: Tensor, b: Tensor = a): Tensor {
        return this.fc.forward(a.add(b));
      }
    }
    const bytes = tensor(
      Uint8Array.from({ length: 60 }, (_, i) => i),
      { shape: [12, 5] },
    );
    expect((await inspect(new Sum().init(1), nn.crossEntropy, bytes, labels)).layers).toHaveLength(1);
    expect((await inspect(new Sum().init(1), nn.crossEntropy, [x, x], labels)).layers).toHaveLength(1);
  });
});

describe('findings', () => {
  it('name the layers where the gradient vanishes, and remedies', async () => {
    const model = deep(nn.init.torchDefault, () => new nn.Sigmoid());
    const report = await inspect(model, nn.crossEntropy, x, labels, { lr: 1e-3 });
    const found = finding(report, 'vanishing');
    expect(found?.layers.slice(0, 3)).toEqual(['0', '1', '2']);
    expect(found?.layers).not.toContain('28');
    expect(found?.message).toMatch(
      /^The gradient vanishes on its way back: at layers 0, 1, 2 \.\.\. \d+, \d+ \(\d+ in all\) its norm is down to \d\.\de-\d+ of that at layer 28\. Remedies: an activation that does not saturate .* initialisation .* normalisation .* residual connections/,
    );
    expect(kinds(report)).toContain('staleUpdates');
    expect(finding(report, 'staleUpdates')?.layers).toContain('0.weight');
  });

  it('name the layers where it explodes, and remedies', async () => {
    const model = deep(nn.init.normal(0, 2), () => new nn.ReLU(), 20);
    const report = await inspect(model, nn.crossEntropy, x, labels);
    const found = finding(report, 'exploding');
    expect(found?.layers).toContain('0');
    expect(found?.message).toMatch(
      /^The gradient explodes: at layers 0, .*Remedies: smaller first weights .*clipping/,
    );
    expect(kinds(report)).not.toContain('vanishing');
  });

  it('are none for the same nets repaired', async () => {
    const nets = [
      deep(nn.init.orthogonal(1), () => new nn.Tanh()),
      deep(nn.init.lecunNormal, () => new nn.SELU()),
      new nn.Sequential(
        ...Array.from({ length: 14 }, () => [
          new nn.Linear(5, 5),
          new nn.BatchNorm1d(5),
          new nn.Sigmoid(),
        ]).flat(),
        new nn.Linear(5, 3),
      ).init(1),
    ];
    for (const net of nets) expect(kinds(await inspect(net, nn.crossEntropy, x, labels))).toEqual([]);
  });

  it('name ReLUs whose units are dead', async () => {
    const model = two();
    const bias = (model[0] as nn.Linear).bias as nn.Parameter;
    bias.storage.data.fill(-100, 0, 6);
    const report = await inspect(model, nn.crossEntropy, x, labels);
    expect(report.relus[0]?.dead).toBeGreaterThanOrEqual(6 / 8);
    expect(finding(report, 'dead')).toMatchObject({ layers: ['1'] });
    expect(finding(report, 'dead')?.message).toMatch(
      /^Units are dead: of the ReLU in 1 up to \d+ % of the units/,
    );
    // One row tells nothing.
    const row = await inspect(model, nn.crossEntropy, x.slice([[0, 1]]), labels.slice([[0, 1]]));
    expect(kinds(row)).not.toContain('dead');
  });

  it('name weights whose updates are large or stale', async () => {
    const found = async (lr: number) =>
      finding(await inspect(two(), nn.crossEntropy, x, labels, { lr }), 'largeUpdates');
    expect((await found(10))?.layers).toEqual(['0.weight', '2.weight']);
    expect(await found(1e-3)).toBeUndefined();
    const stale = await inspect(two(), nn.crossEntropy, x, labels, { lr: 1e-9 });
    expect(finding(stale, 'staleUpdates')?.layers).toEqual(['0.weight', '2.weight']);
  });

  it('begin at the thresholds that are asked for', async () => {
    const thresholds = {
      vanishing: 2,
      exploding: 0,
      dead: 0,
      staleUpdates: 10,
      largeUpdates: 0,
      gradientNorm: 0,
    };
    const report = await inspect(two(), nn.crossEntropy, x, labels, { lr: 0.1, thresholds });
    expect(kinds(report)).toEqual(['vanishing', 'exploding', 'dead', 'staleUpdates', 'largeUpdates']);
  });
});

describe('values that are not finite', () => {
  const of = async (model: nn.Module, input = x, loss: nn.Loss = nn.crossEntropy) => {
    const report = await inspect(model, loss, input, labels);
    return { ...report, message: finding(report, 'nonFinite')?.message ?? '' };
  };
  const via = (fn: (y: Tensor) => Tensor) =>
    new nn.Sequential(new nn.Linear(5, 3), new nn.Lambda(fn), new nn.Linear(3, 3)).init(1);

  it('are traced to the op and the layer that made the first, forwards', async () => {
    const { firstNonFinite, message } = await of(via((y) => y.mul(1000).exp().tanh()));
    expect(firstNonFinite).toMatchObject({
      op: 'exp',
      layer: '1',
      phase: 'forward',
      shape: [12, 3],
      dtype: 'float32',
    });
    expect(message).toMatch(
      /^exp in 1 made the first value that is not finite, in the forward pass: \d+ of its 36 values \(float32\[12,3\]\)\. Remedies: /,
    );
  });

  it('are traced to the rule of an op backwards', async () => {
    const { firstNonFinite, loss } = await of(via((y) => y.mul(0).sqrt().add(y)));
    expect(Number.isFinite(loss)).toBe(true);
    expect(firstNonFinite).toMatchObject({ op: 'div', layer: '1', phase: 'backward' });
  });

  it('are traced to the loss, to a parameter, and to the data', async () => {
    const negative = (output: Tensor) => output.square().neg().log().mean();
    expect((await of(two(), x, negative)).firstNonFinite).toMatchObject({ op: 'log', layer: '(loss)' });
    const model = two();
    (model[2] as nn.Linear).weight.storage.data[4] = Number.NaN;
    const broken = await of(model);
    expect(broken.firstNonFinite).toMatchObject({ op: 'variable', layer: '2.weight', count: 1 });
    expect(broken.parameters.map(({ nonFinite }) => nonFinite.values)).toEqual([0, 0, 1, 0]);
    expect(broken.message).toMatch(/^2\.weight must be finite, but 1 of its 24 values are not\. /);
    const dirty = tensor([[1, Number.POSITIVE_INFINITY, 0, 0, 0]]).expand([12, 5]);
    expect(
      (await of(two(), tensor(Float32Array.from(await data(dirty)), { shape: [12, 5] }))).message,
    ).toMatch(/^the input must be finite, but 12 of its 60 values are not/);
  });

  it('do not include the infinities of a mask', async () => {
    const mask = tensor(
      Uint8Array.from({ length: 36 }, (_, i) => Number(i % 3 !== 0)),
      { shape: [12, 3] },
    ).gt(0);
    const masked = via((y) => where(mask, y, full([], Number.NEGATIVE_INFINITY)).softmax());
    expect((await of(masked)).firstNonFinite).toBeNull();
    // If everything is masked, the softmax is 0 / 0.
    const all = via((y) => where(mask.eq(mask), full([], Number.NEGATIVE_INFINITY), y).softmax());
    expect((await of(all)).firstNonFinite).toMatchObject({ op: 'sub', layer: '1' });
  });
});

describe('formatHealth', () => {
  it('prints tables and findings', async () => {
    const layer = { mean: 0.5, std: 12345.678, rms: 1, zeros: 0.005, nonFinite: 0, gradientNorm: 1.5e-7 };
    const report: HealthReport = {
      loss: 1.0986,
      layers: [
        { ...layer, path: 'conv', type: 'Conv2d', shape: [2, 8, 8, 4], gradientRatio: 1e-6 },
        { ...layer, path: 'blocks.0.fc', type: 'Linear', shape: [2, 3], gradientRatio: null, zeros: 0 },
      ],
      relus: [],
      parameters: [
        {
          path: 'fc.weight',
          shape: [3, 4],
          norm: 2,
          gradientNorm: Number.NaN,
          updateRatio: null,
          nonFinite: { values: 0, gradient: 1 },
          untrained: false,
        },
      ],
      firstNonFinite: null,
      findings: [{ kind: 'vanishing', layers: ['conv'], message: 'It vanishes' }],
    };
    expect(formatHealth(report)).toMatchInlineSnapshot(`
      "loss 1.0986

      layer        type    shape       mean     std   rms  zeros  gradient  of last
      conv         Conv2d  [2,8,8,4]  0.500  1.2e+4  1.00  0.5 %    1.5e-7   1.0e-6
      blocks.0.fc  Linear  [2,3]      0.500  1.2e+4  1.00    0 %    1.5e-7        -

      parameter  shape  norm  gradient  update / norm
      fc.weight  [3,4]  2.00       NaN              -

      vanishing: It vanishes."
    `);
    expect(formatHealth({ ...report, findings: [] }).endsWith('No findings.')).toBe(true);
  });
});

describe('the errors of inspect', () => {
  const bad = (value: unknown) => value as never;
  const calls: readonly [string, () => Promise<unknown>, string][] = [
    [
      'no model',
      () => inspect(bad({}), nn.crossEntropy, x, labels),
      'inspect: model must be a module, got an object',
    ],
    [
      'a class for a model',
      () => inspect(bad(nn.Linear), nn.crossEntropy, x, labels),
      'inspect: model must be a module, which new Linear(...) makes, got function Linear',
    ],
    [
      'no targets',
      () => inspect(two(), nn.crossEntropy, x, bad(undefined)),
      'inspect: targets must be a tensor, or a list or a record of tensors, got undefined',
    ],
    [
      'the options of a trainer',
      () => inspect(two(), nn.crossEntropy, x, labels, bad({ optimiser: 1 })),
      'inspect: unknown option optimiser; did you mean optimizer?',
    ],
    [
      'a surplus argument',
      () => Reflect.apply(inspect, undefined, [two(), nn.crossEntropy, x, labels, {}, 1]),
      'inspect: takes model, loss, inputs, targets and options alone, got 1',
    ],
    [
      'no loss',
      () => inspect(two(), bad(1), x, labels),
      'inspect: loss must be a function such as nn.crossEntropy, or a list or a record of such functions by output, got 1',
    ],
    [
      'no tensors',
      () => inspect(two(), nn.crossEntropy, bad([1]), labels),
      'inspect: inputs[0] must be a tensor, got 1',
    ],
    [
      'no optimiser',
      () => inspect(two(), nn.crossEntropy, x, labels, { optimizer: bad('adam') }),
      'inspect: optimizer must be one such as optim.adam(), got adam',
    ],
    [
      'a bad rate',
      () => inspect(two(), nn.crossEntropy, x, labels, { lr: -1 }),
      'inspect: lr must be a non-negative number, got -1',
    ],
    [
      'a bad threshold',
      () => inspect(two(), nn.crossEntropy, x, labels, { thresholds: bad({ vanish: 1 }) }),
      'inspect: unknown option thresholds.vanish; the options are vanishing, exploding, gradientNorm, dead, staleUpdates, largeUpdates',
    ],
    [
      'a loss with axes',
      () => inspect(two(), (y) => y, x, labels),
      "inspect: the loss must be a scalar; reduction 'mean' or 'sum' makes it one, got float32[12,3]",
    ],
  ];
  it.each(calls)('say what is wrong with %s', async (_, call, message) => {
    await expect(call()).rejects.toThrow(message);
  });
});
