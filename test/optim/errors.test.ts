import { compile, data, grad, nn, optim, type Tensor, Trainer } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { expectBadCall } from '../helpers/errors.js';
import { variable } from '../helpers/graphs.js';

/** A call with options that the types would not allow. */
type Bad = readonly [what: string, call: () => unknown, message: string];

const shared: readonly [options: object, message: string][] = [
  [{ lr: -1 }, 'lr must be a non-negative number or a function of the step, got -1'],
  [{ lr: '1' }, "lr must be a non-negative number or a function of the step, got '1'"],
  [{ weightDecay: -0.1 }, 'weightDecay must be a non-negative number, got -0.1'],
  [{ l1: Number.NaN }, 'l1 must be a non-negative number, got NaN'],
  [{ clipNorm: 0 }, 'clipNorm must be a positive number, got 0'],
  [{ clipValue: -1 }, 'clipValue must be a positive number, got -1'],
  [{ accumulate: 0 }, 'accumulate must be a positive integer, got 0'],
  [{ accumulate: 1.5 }, 'accumulate must be a positive integer, got 1.5'],
  [{ average: 1 }, 'average must be at least 0 and less than 1, got 1'],
  [{ groups: {} }, 'groups must be an array of objects, got an object'],
  [
    { groups: [{ lr: 1 }] },
    'groups[0].match must be a regular expression or a function of path and parameter, got undefined',
  ],
  [
    { groups: [{ match: 'bias' }] },
    'groups[0].match must be a regular expression or a function of path and parameter, got bias',
  ],
  [
    { groups: [{ match: /x/, lr: -2 }] },
    'groups[0].lr must be a non-negative number or a function of the step, got -2',
  ],
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
    [{}, 'lr must be a non-negative number or a function of the step, got undefined'],
    [{ momentum: 1 }, 'momentum must be at least 0 and less than 1, got 1'],
    [{ momentum: 0.5, dampening: 2 }, 'dampening must be at least 0 and less than 1, got 2'],
    [{ nesterov: true }, 'nesterov needs a momentum and no dampening, got 0'],
    [
      { nesterov: true, momentum: 0.5, dampening: 0.25 },
      'nesterov needs a momentum and no dampening, got 0.25',
    ],
  ],
  adaGrad: [
    [{ lrDecay: -1 }, 'lrDecay must be a non-negative number, got -1'],
    [{ initialAccumulator: -1 }, 'initialAccumulator must be a non-negative number, got -1'],
    [{ eps: -1 }, 'eps must be a non-negative number, got -1'],
  ],
  rmsProp: [
    [{ alpha: 1 }, 'alpha must be at least 0 and less than 1, got 1'],
    [{ eps: -1 }, 'eps must be a non-negative number, got -1'],
    [{ momentum: -0.5 }, 'momentum must be at least 0 and less than 1, got -0.5'],
  ],
  adadelta: [
    [{ rho: 1 }, 'rho must be at least 0 and less than 1, got 1'],
    [{ eps: -1 }, 'eps must be a non-negative number, got -1'],
  ],
  adam: [
    [{ betas: [0.9] }, 'betas must be two numbers, each at least 0 and less than 1, got [0.9]'],
    [{ betas: [0.9, 1] }, 'betas must be two numbers, each at least 0 and less than 1, got [0.9,1]'],
    [{ eps: Number.POSITIVE_INFINITY }, 'eps must be a non-negative number, got Infinity'],
    [
      { groups: [{ match: /x/, betas: [2, 0] }] },
      'groups[0].betas must be two numbers, each at least 0 and less than 1, got [2,0]',
    ],
  ],
  amsGrad: [[{ betas: [1, 0] }, 'betas must be two numbers, each at least 0 and less than 1, got [1,0]']],
  adamW: [[{ betas: [-1, 0] }, 'betas must be two numbers, each at least 0 and less than 1, got [-1,0]']],
  nAdam: [
    [{ betas: [1, 0] }, 'betas must be two numbers, each at least 0 and less than 1, got [1,0]'],
    [{ eps: -1 }, 'eps must be a non-negative number, got -1'],
    [{ momentumDecay: -1 }, 'momentumDecay must be a non-negative number, got -1'],
  ],
  rAdam: [
    [{ betas: [1, 0] }, 'betas must be two numbers, each at least 0 and less than 1, got [1,0]'],
    [{ eps: -1 }, 'eps must be a non-negative number, got -1'],
  ],
  lion: [[{ betas: [0, 1] }, 'betas must be two numbers, each at least 0 and less than 1, got [0,1]']],
  adafactor: [
    [{ beta2Decay: 0.5 }, 'beta2Decay must be a number of at most 0, got 0.5'],
    [{ eps: [-1, 1] }, 'eps must be two non-negative numbers, of which the first may be null, got [-1,1]'],
    [
      { eps: [null, -1] },
      'eps must be two non-negative numbers, of which the first may be null, got [null,-1]',
    ],
    [{ clipThreshold: 0.5 }, 'clipThreshold must be a number of at least 1, got 0.5'],
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
    ['constantLR', () => optim.constantLR(-1), 'lr must be a non-negative number, got -1'],
    ['stepLR', () => optim.stepLR({ lr, stepSize: 0 }), 'stepSize must be a positive integer, got 0'],
    [
      'stepLR',
      () => optim.stepLR({ lr, stepSize: 1, gamma: -1 }),
      'gamma must be a non-negative number, got -1',
    ],
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
    [
      'exponentialLR',
      () => optim.exponentialLR(bad({ lr })),
      'gamma must be a non-negative number, got undefined',
    ],
    ['polynomialLR', () => optim.polynomialLR({ lr, steps: -1 }), 'steps must be a positive integer, got -1'],
    [
      'polynomialLR',
      () => optim.polynomialLR({ lr, steps: 1, power: 0 }),
      'power must be a positive number, got 0',
    ],
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
      'steps must be a positive integer, got 0',
    ],
    [
      'warmup',
      () => optim.warmup(-1, { steps: 1 }),
      'schedule must be a non-negative number or a function of the step, got -1',
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
      'schedules must be an array of functions of the step, got [1]',
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
      'pctStart must be a number from 0 to 1, got 2',
    ],
    [
      'oneCycleLR',
      () => optim.oneCycleLR(bad({ maxLR: 1, steps: 5, anneal: 'sin' })),
      "anneal must be 'cos' or 'linear', got sin",
    ],
    [
      'oneCycleLR',
      () => optim.oneCycleLR({ maxLR: 1, steps: 5, divFactor: 0 }),
      'divFactor must be a positive number, got 0',
    ],
    [
      'oneCycleLR',
      () => optim.oneCycleLR({ maxLR: 1, steps: 5, finalDivFactor: 0 }),
      'finalDivFactor must be a positive number, got 0',
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
      'threshold must be a non-negative number, got -1',
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
    [
      'reduceOnPlateau',
      () => optim.reduceOnPlateau({ lr, eps: -1 }),
      'eps must be a non-negative number, got -1',
    ],
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
      "a reported figure must be a number, got '1'",
    ],
    [
      'warmup',
      () => optim.warmup(1, { steps: 1 }).report(undefined as never),
      'a reported figure must be a number, got undefined',
    ],
  ];
  it.each(cases)('%s: %s', (name, call, message) => {
    expectBadCall(call, `${name}: ${message}`, 'errors.test.ts');
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

describe('unknown options are refused, with the nearest known one:', () => {
  const hinted: readonly [given: object, message: string][] = [
    [{ learningRate: 1 }, 'unknown option learningRate; did you mean lr?'],
    [{ learning_rate: 1 }, 'unknown option learning_rate; did you mean lr?'],
    [{ weight_decay: 1 }, 'unknown option weight_decay; did you mean weightDecay?'],
    [{ max_grad_norm: 1 }, 'unknown option max_grad_norm; did you mean clipNorm?'],
    [{ clipnorm: 1 }, 'unknown option clipnorm; did you mean clipNorm?'],
    [{ gradient_accumulation_steps: 2 }, 'did you mean accumulate?'],
    [{ param_groups: [] }, 'did you mean groups?'],
    [{ groups: [{ match: /x/, learningRate: 1 }] }, 'groups[0].learningRate; did you mean groups[0].lr?'],
    [{ groups: [{ match: /x/ }, { params: /x/ }] }, 'groups[1].params; did you mean groups[1].match?'],
  ];
  it.each(Object.keys(named))('%s', (name) => {
    for (const [given, message] of hinted) {
      expect(() => named[name]?.({ lr: 1, ...given })).toThrow(message);
    }
  });

  it('adam, whose decays are a pair', () => {
    const options = { beta1: 0.9, beta2: 0.99 } as object;
    expect(() => optim.adam(options)).toThrow(
      'adam: unknown option beta1; did you mean betas: [beta1, beta2]?',
    );
  });

  it('schedules', () => {
    const call =
      (fn: unknown, ...args: readonly unknown[]) =>
      () =>
        (fn as (...a: readonly unknown[]) => unknown)(...args);
    expect(call(optim.stepLR, { lr: 1, step_size: 3 })).toThrow('did you mean stepSize?');
    expect(call(optim.cosineLR, { lr: 1, T_max: 3 })).toThrow('did you mean steps?');
    expect(call(optim.cosineLR, { lr: 1, steps: 3, eta_min: 0 })).toThrow('did you mean min?');
    expect(call(optim.oneCycleLR, { max_lr: 1, total_steps: 3 })).toThrow('did you mean maxLR?');
    expect(call(optim.warmup, 1, { warmup_steps: 3 })).toThrow('did you mean steps?');
    expect(call(optim.reduceOnPlateau, { lr: 1, min_lr: 0 })).toThrow('did you mean minLR?');
    expect(call(optim.lbfgs, { line_search_fn: 'strong_wolfe' })).toThrow('did you mean lineSearch?');
  });

  it('and so are arguments that are missing or surplus', () => {
    const call =
      (fn: unknown, ...args: readonly unknown[]) =>
      () =>
        (fn as (...a: readonly unknown[]) => unknown)(...args);
    expect(call(optim.sgd)).toThrow('sgd: options must be a plain object with lr, got undefined');
    expect(call(optim.adam, [], { lr: 1 })).toThrow(
      'adam: options must be a plain object such as { groups: ... }, got []',
    );
    expect(call(optim.adam, {}, { lr: 1 })).toThrow('adam: takes options alone, got an object');
    expect(call(optim.constantLR)).toThrow('constantLR: lr must be a non-negative number, got undefined');
    expect(() => Reflect.construct(optim.Optimizer, [])).toThrow(
      'Optimizer: rule must be an update rule with name, state, scalars and update, got undefined',
    );
    expect(() => Reflect.construct(optim.LBFGS, [{}, 1])).toThrow('LBFGS: takes options alone, got 1');
    const optimizer = optim.adam();
    expect(call(optimizer.report.bind(optimizer), '1')).toThrow(
      "Optimizer.report: figure must be a number, got '1'",
    );
  });

  it('an option of a group that is undefined is that of all parameters', () => {
    const optimizer = optim.adam({ lr: 0.5, groups: [{ match: /x/, lr: undefined as never }] });
    expect(optimizer.groups.map(({ schedule }) => schedule(0))).toEqual([0.5, 0.5]);
    expect(optim.amsGrad({ amsgrad: undefined as never }).rule.state).toContain('largestSquare');
  });
});

describe('a schedule must give a rate', () => {
  const from = (rate: unknown) => (step: number) => (step < 2 ? 0.1 : rate) as number;
  const bad: readonly unknown[] = [-1, Number.NaN, Number.POSITIVE_INFINITY, '0.1', undefined, null, 10n];

  it.each(bad)('and not %s, wherever it is evaluated', async (rate) => {
    const message = /must give a non-negative number at step \d+, got /;
    const optimizer = optim.sgd({ lr: from(rate) });
    expect(() => optimizer.scalarsAt(2)).toThrow('at step 2, got');
    expect(() => optim.sgd({ lr: 1, groups: [{ match: /x/, lr: from(rate) }] }).scalarsAt(2)).toThrow(
      message,
    );
    expect(() => optim.warmup(from(rate), { steps: 1 })(3)).toThrow('warmup: the schedule must give');
    expect(() => optim.warmup(() => rate as number, { steps: 1 })(0)).toThrow('at step 0');
    expect(() => optim.sequentialLR([from(rate)], [])(2)).toThrow('sequentialLR: the schedule must give');
    const w = variable([1], [1]);
    const step = compile(() => {
      optimizer.step([w], grad(w.sum(), [w]));
      return undefined;
    });
    await step();
    await step();
    await expect(step()).rejects.toThrow('sgd: the schedule must give a non-negative number at step 2');
  });

  it('in a Trainer, with the step', async () => {
    const dataset = data.fromArrays([[0], [1], [2], [3]], [[0], [1], [2], [3]], {});
    const trainer = new Trainer(new nn.Linear(1, 1), {
      loss: nn.mseLoss,
      optimizer: optim.sgd({ lr: from(-1) }),
      workers: 1,
    });
    await expect(trainer.fit(dataset, { batchSize: 1 }).next()).rejects.toThrow(
      'sgd: the schedule must give a non-negative number at step 2, got -1',
    );
  });

  it('and those of the package are defined from step 0 on', () => {
    const made = [
      optim.constantLR(1),
      optim.stepLR({ lr: 1, stepSize: 1 }),
      optim.cosineRestartsLR({ lr: 1, steps: 1, tMult: 2 }),
      optim.warmup(1, { steps: 1 }),
    ];
    for (const schedule of made) {
      for (const step of [Number.POSITIVE_INFINITY, Number.NaN, -1, '1' as never]) {
        expect(() => schedule(step)).toThrow('the step must be a non-negative number');
      }
      // As map calls it.
      expect([0, 1, 2].map(schedule)).toHaveLength(3);
    }
  });
});
