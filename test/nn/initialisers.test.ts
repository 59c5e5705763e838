import { nn, type Shape } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { normalQuantile, normalShare } from '#lib/nn/init/normal-distribution.js';
import { type BadCall, expectBadCall } from '../helpers/errors.js';
import { shuffled } from '../helpers/random-graph/random.js';
import { report } from '../helpers/report.js';

const { init } = nn;

/** Values of a parameter in float64; its fans are those of a matrix [out, in] by default. */
function draw(
  initialiser: nn.init.Initialiser,
  shape: Shape,
  { seed = 1, ...options }: Drawing = {},
): number[] {
  const parameter = new nn.Parameter(shape, { init: initialiser, dtype: 'float64', ...options });
  parameter.seed = seed;
  parameter.path = 'weight';
  return [...parameter.storage.data];
}

interface Drawing {
  readonly seed?: number;
  readonly fanIn?: number;
  readonly fanOut?: number;
}

const mean = (list: readonly number[], f = (x: number) => x) =>
  list.reduce((a, b) => a + f(b), 0) / list.length;

/** Tests the mean and the variance of draws, each within five of its own standard errors. */
function expectMoments(values: readonly number[], centre: number, deviation: number, kurtosis: number): void {
  const n = values.length;
  expect(Math.abs(mean(values) - centre)).toBeLessThan((5 * deviation) / Math.sqrt(n));
  const variance = mean(values, (x) => (x - centre) ** 2);
  const error = deviation ** 2 * Math.sqrt((kurtosis - 1) / n);
  expect(Math.abs(variance - deviation ** 2)).toBeLessThan(5 * error);
}

/** The kurtosis of a uniform and of a normal distribution. */
const [UNIFORM, NORMAL] = [1.8, 3];

describe('initialisers scaled by the fans have their theory’s moments', () => {
  const shape = [200, 300];
  const cases: [string, nn.init.Initialiser, deviation: number, kurtosis: number][] = [
    ['uniform', init.uniform(-3, 3), Math.sqrt(3), UNIFORM],
    ['normal', init.normal(0, 0.3), 0.3, NORMAL],
    ['xavierUniform', init.xavierUniform(), Math.sqrt(2 / 500), UNIFORM],
    ['xavierNormal', init.xavierNormal(), Math.sqrt(2 / 500), NORMAL],
    ['xavierUniform for tanh', init.xavierUniform(init.gain('tanh')), (5 / 3) * Math.sqrt(2 / 500), UNIFORM],
    ['xavierNormal for selu', init.xavierNormal(init.gain('selu')), 0.75 * Math.sqrt(2 / 500), NORMAL],
    ['kaimingUniform', init.kaimingUniform(), Math.sqrt(2 / 300), UNIFORM],
    ['kaimingNormal', init.kaimingNormal(), Math.sqrt(2 / 300), NORMAL],
    ['kaimingUniform on fanOut', init.kaimingUniform({ mode: 'fanOut' }), Math.sqrt(2 / 200), UNIFORM],
    ['kaimingNormal on fanOut', init.kaimingNormal({ mode: 'fanOut' }), Math.sqrt(2 / 200), NORMAL],
    ['kaimingUniform with slope', init.kaimingUniform({ slope: Math.sqrt(5) }), 1 / Math.sqrt(900), UNIFORM],
    [
      'kaimingNormal with gain',
      init.kaimingNormal({ gain: init.gain('tanh') }),
      5 / 3 / Math.sqrt(300),
      NORMAL,
    ],
    ['lecunUniform', init.lecunUniform, 1 / Math.sqrt(300), UNIFORM],
    ['lecunNormal', init.lecunNormal, 1 / Math.sqrt(300), NORMAL],
    ['torchDefault', init.torchDefault, 1 / Math.sqrt(900), UNIFORM],
  ];
  it.each(cases)('%s', (name, initialiser, deviation, kurtosis) => {
    const values = draw(initialiser, shape);
    expectMoments(values, 0, deviation, kurtosis);
    report(name, 'moments');
    const bound = Math.max(...values.map(Math.abs)) / deviation;
    // A uniform distribution ends at sqrt(3) deviations; of 60,000 normal draws some are further out than 3.5.
    if (kurtosis === UNIFORM) {
      expect(bound).toBeLessThanOrEqual(Math.sqrt(3));
      expect(bound).toBeGreaterThan(Math.sqrt(3) * 0.999);
    } else expect(bound).toBeGreaterThan(3.5);
  });

  it('uniform and normal move with their centre', () => {
    expectMoments(draw(init.uniform(4, 6), shape), 5, 1 / Math.sqrt(3), UNIFORM);
    expectMoments(draw(init.normal(-2, 0.5), shape), -2, 0.5, NORMAL);
  });

  it('the gain is that of torch.nn.init.calculate_gain', () => {
    const gains = (['linear', 'conv', 'sigmoid', 'tanh', 'relu', 'leakyRelu', 'selu'] as const).map((name) =>
      init.gain(name),
    );
    expect(gains).toEqual([1, 1, 1, 5 / 3, Math.SQRT2, Math.sqrt(2 / 1.0001), 0.75]);
    expect(init.gain('leakyRelu', 1)).toBe(1);
  });

  it('Linear and Conv2d count their fans, taps included', () => {
    const seen: object[] = [];
    const spy: nn.init.Initialiser = (shape, context) => {
      const { fanIn, fanOut } = context;
      seen.push({ fanIn, fanOut });
      return init.zeros(shape, context);
    };
    new nn.Linear(7, 4, { init: spy }).init();
    new nn.Conv2d(3, 8, [2, 5], { init: spy }).init();
    expect(seen).toEqual([
      { fanIn: 7, fanOut: 4 },
      { fanIn: 30, fanOut: 80 },
    ]);
  });
});

describe('truncatedNormal', () => {
  /** Moments of the truncated distribution by the trapezoidal rule over its density. */
  function theory(low: number, high: number) {
    const steps = 20_000;
    const sums = [0, 0, 0, 0, 0];
    for (let i = 0; i <= steps; i++) {
      const x = low + ((high - low) * i) / steps;
      const weight = Math.exp((-x * x) / 2) * (i === 0 || i === steps ? 0.5 : 1);
      for (let power = 0; power <= 4; power++) sums[power] = (sums[power] as number) + weight * x ** power;
    }
    const [m0, m1, m2, m3, m4] = sums as [number, number, number, number, number];
    const centre = m1 / m0;
    const variance = m2 / m0 - centre ** 2;
    const fourth = (m4 - 4 * centre * m3 + 6 * centre ** 2 * m2 - 4 * centre ** 3 * m1) / m0 + centre ** 4;
    return { centre, deviation: Math.sqrt(variance), kurtosis: fourth / variance ** 2 };
  }

  const bounds: [low: number, high: number][] = [
    [-2, 2],
    [-1, 0.5],
    [0.25, 6],
    [-9, -2],
    [3, 4],
    [9, 10],
  ];
  it.each(bounds)('has the moments of a standard normal between %d and %d, and stays there', (low, high) => {
    const values = draw(init.truncatedNormal(0, 1, low, high), [200, 200]);
    const { centre, deviation, kurtosis } = theory(low, high);
    expectMoments(values, centre, deviation, kurtosis);
    expect(Math.min(...values)).toBeGreaterThanOrEqual(low);
    expect(Math.max(...values)).toBeLessThanOrEqual(high);
  });

  it('scales by its mean and deviation, and takes the bounds as they are', () => {
    const values = draw(init.truncatedNormal(3, 0.5, 2.5, 4.5), [200, 200]);
    const { centre, deviation, kurtosis } = theory(-1, 3);
    expectMoments(values, 3 + 0.5 * centre, 0.5 * deviation, kurtosis);
    expect(Math.min(...values)).toBeGreaterThanOrEqual(2.5);
    expect(Math.min(...values)).toBeLessThan(2.501);
  });

  it('is built on the distribution function and its inverse', () => {
    // Tabulated values (Abramowitz & Stegun 1964, table 26.1, and Wichura's own checks).
    expect(normalShare(0)).toBe(0.5);
    expect(normalShare(1)).toBeCloseTo(0.841344746068543, 14);
    expect(normalShare(-2) / 0.02275013194817921).toBeCloseTo(1, 13);
    expect(normalShare(-5) / 2.866515718791939e-7).toBeCloseTo(1, 13);
    expect(normalShare(-10) / 7.619853024160527e-24).toBeCloseTo(1, 13);
    expect(normalQuantile(0.25)).toBeCloseTo(-0.6744897501960817, 15);
    expect(normalQuantile(0.001)).toBeCloseTo(-3.090232306167814, 14);
    expect(normalQuantile(1e-20)).toBeCloseTo(-9.262340089798409, 14);
    for (let x = -12; x < 5; x += 0.37) expect(normalQuantile(normalShare(x))).toBeCloseTo(x, 9);
  });
});

describe('orthogonal', () => {
  const products = (matrix: number[][]): number[] =>
    matrix.flatMap((a, i) =>
      matrix.map((b, j) =>
        Math.abs(a.reduce((sum, x, k) => sum + x * (b[k] as number), 0) - Number(i === j)),
      ),
    );
  const rowsOf = (values: readonly number[], rows: number, columns: number) =>
    Array.from({ length: rows }, (_, i) => values.slice(i * columns, (i + 1) * columns));
  const turned = (matrix: number[][]) =>
    (matrix[0] as number[]).map((_, j) => matrix.map((row) => row[j] as number));

  it.each([
    [1, 1],
    [5, 5],
    [3, 8],
    [8, 3],
    [64, 64],
    [1, 7],
    [7, 1],
  ])('[%d,%d]: the shorter side is orthonormal', (rows, columns) => {
    const matrix = rowsOf(draw(init.orthogonal(), [rows, columns]), rows, columns);
    expect(Math.max(...products(rows <= columns ? matrix : turned(matrix)))).toBeLessThan(1e-12);
  });

  it('in float32, to its precision', () => {
    const layer = new nn.Linear(40, 20, { init: init.orthogonal(), bias: false }).init(3);
    const rows = rowsOf([...layer.weight.storage.data], 20, 40);
    expect(Math.max(...products(rows))).toBeLessThan(1e-6);
  });

  it('is scaled by its gain', () => {
    const [plain, scaled] = [1, 3].map((gain) => draw(init.orthogonal(gain), [4, 6]));
    scaled?.forEach((value, i) => {
      expect(value).toBeCloseTo(3 * (plain?.[i] as number), 12);
    });
  });

  it('takes a row for each output of a convolution kernel [KH, KW, C, O]', () => {
    const [taps, outputs] = [2 * 3 * 4, 5];
    const values = draw(init.orthogonal(), [2, 3, 4, outputs]);
    expect(Math.max(...products(turned(rowsOf(values, taps, outputs))))).toBeLessThan(1e-12);
  });

  it('is uniform over rotations and reflections: no sign and no place is favoured', () => {
    const many = Array.from({ length: 2000 }, (_, seed) => draw(init.orthogonal(), [3, 3], { seed }));
    for (let at = 0; at < 9; at++) {
      const column = many.map((matrix) => matrix[at] as number);
      // One coordinate of a uniform point on the sphere: mean 0, variance 1 / 3, fourth moment 1 / 5.
      expectMoments(column, 0, Math.sqrt(1 / 3), 9 / 5);
    }
    const determinants = many.map(
      ([a, b, c, d, e, f, g, h, i]) =>
        (a as number) * ((e as number) * (i as number) - (f as number) * (h as number)) -
        (b as number) * ((d as number) * (i as number) - (f as number) * (g as number)) +
        (c as number) * ((d as number) * (h as number) - (e as number) * (g as number)),
    );
    expect(Math.abs(mean(determinants))).toBeLessThan(5 / Math.sqrt(2000));
  });
});

describe('sparse, identity, dirac and constant', () => {
  it.each([0, 0.1, 0.34, 1])(
    'sparse(%d) has so many zeros in each column, at places of its own',
    (sparsity) => {
      const [rows, columns] = [30, 50];
      const values = draw(init.sparse(sparsity, 2), [rows, columns]);
      const patterns = Array.from({ length: columns }, (_, j) =>
        Array.from({ length: rows }, (_, i) => values[i * columns + j] === 0),
      );
      const count = Math.ceil(sparsity * rows);
      for (const pattern of patterns) expect(pattern.filter(Boolean)).toHaveLength(count);
      if (count > 0 && count < rows) expect(new Set(patterns.map(String)).size).toBeGreaterThan(1);
      if (count < rows)
        expectMoments(
          values.filter((value) => value !== 0),
          0,
          2,
          NORMAL,
        );
    },
  );

  it('identity is as much of the identity matrix as fits', () => {
    expect(draw(init.identity, [2, 3])).toEqual([1, 0, 0, 0, 1, 0]);
    expect(draw(init.identity, [3, 1])).toEqual([1, 0, 0]);
  });

  it('dirac hands channels on', () => {
    // [3, 2 inputs, 2 outputs]: the middle tap is the identity.
    expect(draw(init.dirac(), [3, 2, 2])).toEqual([0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0]);
    // Two groups of two outputs, which both begin with the first of two inputs.
    expect(draw(init.dirac(2), [1, 2, 4])).toEqual([1, 0, 1, 0, 0, 1, 0, 1]);
    // A fourth output has no input to hand on.
    expect(draw(init.dirac(), [1, 1, 2])).toEqual([1, 0]);
  });

  it('constant is one number', () => {
    expect(draw(init.constant(0.3), [3])).toEqual([0.3, 0.3, 0.3]);
    expect(draw(init.ones, [2])).toEqual([1, 1]);
    expect(draw(init.zeros, [2])).toEqual([0, 0]);
  });
});

describe('the same seed and path give the same values', () => {
  const every: Record<string, nn.init.Initialiser> = {
    uniform: init.uniform(),
    normal: init.normal(),
    xavierUniform: init.xavierUniform(),
    xavierNormal: init.xavierNormal(),
    kaimingUniform: init.kaimingUniform(),
    kaimingNormal: init.kaimingNormal(),
    lecunUniform: init.lecunUniform,
    lecunNormal: init.lecunNormal,
    torchDefault: init.torchDefault,
    truncatedNormal: init.truncatedNormal(),
    orthogonal: init.orthogonal(),
    sparse: init.sparse(0.5),
  };
  it.each(Object.entries(every))('%s, in whatever order; others differ', (_, initialiser) => {
    const make = (order: readonly number[]) => {
      const model = new nn.Sequential(
        ...Array.from({ length: 3 }, () => new nn.Linear(4, 4, { init: initialiser, bias: false })),
      );
      const parameters = model.parameters();
      for (const parameter of parameters) parameter.seed = 7;
      for (const i of order) parameters[i]?.storage.data;
      return parameters.map(({ storage }) => [...storage.data]);
    };
    const first = make([0, 1, 2]);
    expect(make(shuffled(3, 5))).toEqual(first);
    expect(first[0]).not.toEqual(first[1]);
    expect(draw(initialiser, [4, 4], { seed: 8 })).not.toEqual(draw(initialiser, [4, 4], { seed: 7 }));
    expect(draw(initialiser, [4, 4], { seed: 7 + 2 ** 32 })).not.toEqual(
      draw(initialiser, [4, 4], { seed: 7 }),
    );
  });
});

const bad: BadCall[] = [
  [
    'uniform upside down',
    () => init.uniform(1, 0),
    'uniform: low and high must be finite, and low at most high, got [1,0]',
  ],
  [
    'normal with a negative deviation',
    () => init.normal(0, -1),
    'normal: deviation must be a non-negative number, got -1',
  ],
  ['normal around NaN', () => init.normal(Number.NaN), 'normal: mean must be a finite number, got NaN'],
  [
    'xavierUniform with a negative gain',
    () => init.xavierUniform(-1),
    'xavierUniform: gain must be a non-negative number, got -1',
  ],
  [
    'xavierNormal with no number',
    () => init.xavierNormal(Number.NaN),
    'xavierNormal: gain must be a non-negative number, got NaN',
  ],
  [
    'kaimingUniform with an unknown mode',
    () => init.kaimingUniform({ mode: 'both' as 'fanIn' }),
    "kaimingUniform: mode must be 'fanIn' or 'fanOut', got both",
  ],
  [
    'an unknown nonlinearity',
    () => init.gain('gelu' as 'relu'),
    "gain: nonlinearity must be 'linear', 'conv', 'sigmoid', 'tanh', 'relu', 'leakyRelu' or 'selu', got gelu",
  ],
  [
    'orthogonal of a vector',
    () => draw(init.orthogonal(), [3]),
    'orthogonal: the shape must have at least two axes, got [3]',
  ],
  [
    'truncatedNormal of nothing',
    () => init.truncatedNormal(0, 1, 2, 2),
    'truncatedNormal: low must be less than high, got [2,2]',
  ],
  [
    'truncatedNormal with no deviation',
    () => init.truncatedNormal(0, 0),
    'truncatedNormal: deviation must be a positive number, got 0',
  ],
  [
    'truncatedNormal far away',
    () => init.truncatedNormal(0, 1, 50, 60),
    'truncatedNormal: low and high must not both be far off the mean, got [50,60]',
  ],
  ['sparse beyond everything', () => init.sparse(1.5), 'sparse: sparsity must be from 0 to 1, got 1.5'],
  [
    'sparse of images',
    () => draw(init.sparse(0.5), [2, 2, 2]),
    'sparse: the shape must have two axes, got [2,2,2]',
  ],
  ['identity of a vector', () => draw(init.identity, [2]), 'identity: the shape must have two axes, got [2]'],
  [
    'dirac of a matrix',
    () => draw(init.dirac(), [2, 2]),
    'dirac: the shape must have at least three axes, got [2,2]',
  ],
  ['dirac in thirds', () => draw(init.dirac(3), [1, 2, 4]), 'dirac: groups must divide the 4 outputs, got 3'],
];

describe('a bad argument of an initialiser', () => {
  it.each(bad)('%s', (_, call, message) => {
    expectBadCall(call, message, 'initialisers.test.ts');
  });
});
