import { compile, grad, nn, optim, type Tensor, Trainer } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { expectBadCall } from '../helpers/errors.js';
import { variable } from '../helpers/graphs.js';

/** A call with options that the types would not allow. */
type Bad = readonly [what: string, call: () => unknown, message: string];

const shared: readonly [options: object, message: string][] = [
  [{ lr: -1 }, 'lr must be a non-negative number or a function, got -1'],
  [{ lr: '1' }, 'lr must be a non-negative number or a function, got 1'],
  [{ weightDecay: -0.1 }, 'weightDecay must not be negative, got -0.1'],
  [{ l1: Number.NaN }, 'l1 must not be negative, got NaN'],
  [{ clipNorm: 0 }, 'clipNorm must be positive, got 0'],
  [{ clipValue: -1 }, 'clipValue must be positive, got -1'],
  [{ accumulate: 0 }, 'accumulate must be a positive integer, got 0'],
  [{ accumulate: 1.5 }, 'accumulate must be a positive integer, got 1.5'],
  [{ average: 1 }, 'average must be at least 0 and less than 1, got 1'],
  [{ groups: {} }, 'groups must be an array of objects, got an object'],
  [{ groups: [{ lr: 1 }] }, 'a group needs match, a regular expression or a function, got undefined'],
  [{ groups: [{ match: 'bias' }] }, 'a group needs match, a regular expression or a function, got bias'],
  [{ groups: [{ match: /x/, lr: -2 }] }, 'lr must be a non-negative number or a function, got -2'],
  [{ groups: [{ match: /x/, clipNorm: 1 }] }, 'clipNorm is for all parameters, and not for a group'],
  [{ groups: [{ match: /x/, average: 0.9 }] }, 'average is for all parameters, and not for a group'],
];

const named = {
  sgd: optim.sgd,
  adaGrad: optim.adaGrad,
  rmsProp: optim.rmsProp,
  adadelta: optim.adadelta,
  adam: optim.adam,
  amsGrad: optim.amsGrad,
  adamW: optim.adamW,
  nAdam: optim.nAdam,
  rAdam: optim.rAdam,
  lion: optim.lion,
  adafactor: optim.adafactor,
} as Record<string, (options: object) => optim.Optimizer>;

const own: Record<string, readonly [options: object, message: string][]> = {
  sgd: [
    [{}, 'lr must be a non-negative number or a function, got undefined'],
    [{ momentum: 1 }, 'momentum must be at least 0 and less than 1, got 1'],
    [{ momentum: 0.5, dampening: 2 }, 'dampening must be at least 0 and less than 1, got 2'],
    [{ nesterov: true }, 'nesterov needs a momentum and no dampening, got 0'],
    [
      { nesterov: true, momentum: 0.5, dampening: 0.25 },
      'nesterov needs a momentum and no dampening, got 0.25',
    ],
  ],
  adaGrad: [
    [{ lrDecay: -1 }, 'lrDecay must not be negative, got -1'],
    [{ initialAccumulator: -1 }, 'initialAccumulator must not be negative, got -1'],
    [{ eps: -1 }, 'eps must not be negative, got -1'],
  ],
  rmsProp: [
    [{ alpha: 1 }, 'alpha must be at least 0 and less than 1, got 1'],
    [{ eps: -1 }, 'eps must not be negative, got -1'],
    [{ momentum: -0.5 }, 'momentum must be at least 0 and less than 1, got -0.5'],
  ],
  adadelta: [
    [{ rho: 1 }, 'rho must be at least 0 and less than 1, got 1'],
    [{ eps: -1 }, 'eps must not be negative, got -1'],
  ],
  adam: [
    [{ betas: [0.9] }, 'betas must be at least 0 and less than 1, got [0.9]'],
    [{ betas: [0.9, 1] }, 'betas must be at least 0 and less than 1, got [0.9,1]'],
    [{ eps: Number.POSITIVE_INFINITY }, 'eps must not be negative, got Infinity'],
    [{ groups: [{ match: /x/, betas: [2, 0] }] }, 'betas must be at least 0 and less than 1, got [2,0]'],
  ],
  amsGrad: [[{ betas: [1, 0] }, 'betas must be at least 0 and less than 1, got [1,0]']],
  adamW: [[{ betas: [-1, 0] }, 'betas must be at least 0 and less than 1, got [-1,0]']],
  nAdam: [
    [{ betas: [1, 0] }, 'betas must be at least 0 and less than 1, got [1,0]'],
    [{ eps: -1 }, 'eps must not be negative, got -1'],
    [{ momentumDecay: -1 }, 'momentumDecay must not be negative, got -1'],
  ],
  rAdam: [
    [{ betas: [1, 0] }, 'betas must be at least 0 and less than 1, got [1,0]'],
    [{ eps: -1 }, 'eps must not be negative, got -1'],
  ],
  lion: [[{ betas: [0, 1] }, 'betas must be at least 0 and less than 1, got [0,1]']],
  adafactor: [
    [{ beta2Decay: 0.5 }, 'beta2Decay must be at most 0, got 0.5'],
    [{ eps: [-1, 1] }, 'eps[0] must not be negative, got -1'],
    [{ eps: [null, -1] }, 'eps[1] must not be negative, got -1'],
    [{ clipThreshold: 0.5 }, 'clipThreshold must be at least 1, got 0.5'],
  ],
};

describe('optimisers refuse', () => {
  const cases = Object.entries(named).flatMap(([name, create]) =>
    [...shared, ...(own[name] ?? [])].map(([options, message]): Bad => {
      const given = 'lr' in options || name !== 'sgd' || Object.keys(options).length === 0;
      return [
        `${name} ${JSON.stringify(options)}`,
        () => create(given ? options : { lr: 1, ...options }),
        message,
      ];
    }),
  );
  it.each(cases)('%s', (what, call, message) => {
    expectBadCall(call, `${what.split(' ')[0]}: ${message}`, 'errors.test.ts');
  });
});

describe('schedules refuse', () => {
  const lr = 1;
  const bad = (options: object) => options as never;
  const cases: readonly Bad[] = [
    ['constantLR', () => optim.constantLR(-1), 'lr must be a non-negative number or a function, got -1'],
    ['stepLR', () => optim.stepLR({ lr, stepSize: 0 }), 'stepSize must be a positive integer, got 0'],
    ['stepLR', () => optim.stepLR({ lr, stepSize: 1, gamma: -1 }), 'gamma must not be negative, got -1'],
    [
      'multiStepLR',
      () => optim.multiStepLR({ lr, milestones: [3, 3] }),
      'milestones must be non-negative integers in rising order, got [3,3]',
    ],
    [
      'multiStepLR',
      () => optim.multiStepLR(bad({ lr, milestones: 3 })),
      'milestones must be non-negative integers in rising order, got 3',
    ],
    ['exponentialLR', () => optim.exponentialLR(bad({ lr })), 'gamma must not be negative, got undefined'],
    ['polynomialLR', () => optim.polynomialLR({ lr, steps: -1 }), 'steps must be a positive integer, got -1'],
    ['polynomialLR', () => optim.polynomialLR({ lr, steps: 1, power: 0 }), 'power must be positive, got 0'],
    ['cosineLR', () => optim.cosineLR({ lr, steps: 0 }), 'steps must be a positive integer, got 0'],
    [
      'cosineLR',
      () => optim.cosineLR({ lr, steps: 1, min: -1 }),
      'min must be a non-negative number, got -1',
    ],
    [
      'cosineRestartsLR',
      () => optim.cosineRestartsLR({ lr, steps: 1, tMult: 0.5 }),
      'tMult must be a positive integer, got 0.5',
    ],
    [
      'linearWarmupLR',
      () => optim.linearWarmupLR({ lr, steps: 0 }),
      'warmup: steps must be a positive integer, got 0',
    ],
    [
      'warmup',
      () => optim.warmup(-1, { steps: 1 }),
      'lr must be a non-negative number or a function, got -1',
    ],
    [
      'warmup',
      () => optim.warmup(1, { steps: 1, start: 1 }),
      'start must be at least 0 and less than 1, got 1',
    ],
    [
      'sequentialLR',
      () => optim.sequentialLR([optim.constantLR(1)], [3]),
      '1 schedules need 0 milestones, got 1',
    ],
    [
      'sequentialLR',
      () => optim.sequentialLR(bad([1]), []),
      'schedules must be an array of functions, got [1]',
    ],
    [
      'oneCycleLR',
      () => optim.oneCycleLR({ maxLR: -1, steps: 1 }),
      'maxLR must be a non-negative number, got -1',
    ],
    ['oneCycleLR', () => optim.oneCycleLR({ maxLR: 1, steps: 0 }), 'steps must be a positive integer, got 0'],
    [
      'oneCycleLR',
      () => optim.oneCycleLR({ maxLR: 1, steps: 5, pctStart: 2 }),
      'pctStart must be from 0 to 1, got 2',
    ],
    [
      'oneCycleLR',
      () => optim.oneCycleLR(bad({ maxLR: 1, steps: 5, anneal: 'sin' })),
      "anneal must be 'cos' or 'linear', got sin",
    ],
    [
      'oneCycleLR',
      () => optim.oneCycleLR({ maxLR: 1, steps: 5, divFactor: 0 }),
      'divFactor must be positive, got 0',
    ],
    [
      'oneCycleLR',
      () => optim.oneCycleLR({ maxLR: 1, steps: 5, finalDivFactor: 0 }),
      'finalDivFactor must be positive, got 0',
    ],
    [
      'reduceOnPlateau',
      () => optim.reduceOnPlateau({ lr, factor: 1 }),
      'factor must be at least 0 and less than 1, got 1',
    ],
    [
      'reduceOnPlateau',
      () => optim.reduceOnPlateau({ lr, patience: -1 }),
      'patience must be a non-negative integer, got -1',
    ],
    [
      'reduceOnPlateau',
      () => optim.reduceOnPlateau({ lr, threshold: -1 }),
      'threshold must not be negative, got -1',
    ],
    [
      'reduceOnPlateau',
      () => optim.reduceOnPlateau({ lr, cooldown: 0.5 }),
      'cooldown must be a non-negative integer, got 0.5',
    ],
    [
      'reduceOnPlateau',
      () => optim.reduceOnPlateau({ lr, minLR: -1 }),
      'minLR must be a non-negative number, got -1',
    ],
    ['reduceOnPlateau', () => optim.reduceOnPlateau({ lr, eps: -1 }), 'eps must not be negative, got -1'],
    [
      'reduceOnPlateau',
      () => optim.reduceOnPlateau(bad({ lr, mode: 'up' })),
      "mode must be 'min' or 'max', got up",
    ],
    [
      'reduceOnPlateau',
      () => optim.reduceOnPlateau(bad({ lr, thresholdMode: 'x' })),
      "thresholdMode must be 'rel' or 'abs', got x",
    ],
    [
      'reduceOnPlateau',
      () => optim.reduceOnPlateau({ lr }).report('1' as never),
      'report takes a number, got 1',
    ],
  ];
  it.each(cases)('%s: %s', (name, call, message) => {
    const whole = message.startsWith('warmup: ') ? message : `${name}: ${message}`;
    expectBadCall(call, whole, 'errors.test.ts');
  });
});

describe('step refuses', () => {
  const [w, v] = [variable([2], [1, 2]), variable([3])];
  const slopes = (parameter: Tensor) => grad(parameter.sum(), [parameter]);
  const within = (fn: () => void) => compile(fn as () => undefined)();
  const step = (parameters: Parameters<optim.Optimizer['step']>[0], gradients: readonly Tensor[]) =>
    within(() => optim.adam().step(parameters, gradients));

  it('what does not fit together', async () => {
    expectBadCall(
      () => optim.adam().step([w], slopes(w)),
      'adam.step: can only be used inside a function given to compile()',
      'errors.test.ts',
    );
    await expect(step([w, v], slopes(w))).rejects.toThrow(
      'adam: one gradient for each of 2 parameters, got 1',
    );
    await expect(step([w, w], [...slopes(w), ...slopes(w)])).rejects.toThrow(
      'adam: each parameter must be given once',
    );
    await expect(step([w], slopes(v))).rejects.toThrow(
      'adam: the gradient must be float32[2], got float32[3]',
    );
    await expect(step([w], [w.sum()])).rejects.toThrow(
      'adam: the gradient must be float32[2], got float32[]',
    );
    await expect(step([], [])).rejects.toThrow('adam: at least one parameter must be trainable');
    const layer = new nn.Linear(2, 1).freeze();
    const loss = layer.parameters().reduce((sum, x) => sum.add(x.sum()), w.sum());
    await expect(step(layer.parameters(), grad(loss, layer.parameters()))).rejects.toThrow(
      'adam: at least one parameter must be trainable',
    );
  });

  it('averages that are not kept', async () => {
    await expect(optim.adam().withAverages(() => 1)).rejects.toThrow(
      'adam: withAverages needs the option average',
    );
  });

  it('a Trainer, what is no optimiser', () => {
    const optimizer = optim.lbfgs() as unknown as optim.Optimizer;
    expectBadCall(
      () => new Trainer(new nn.Linear(2, 1), { loss: nn.mseLoss, optimizer }),
      'Trainer: optimizer must be one such as optim.adam(), got an instance of LBFGS',
      'errors.test.ts',
    );
  });
});
