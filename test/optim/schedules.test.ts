import { optim } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { decodeJson, encodeJson } from '#lib/checkpoint/json.js';
import { expectClose } from '../helpers/close.js';
import { recorded } from '../helpers/optimizers.js';
import { report } from '../helpers/report.js';

const lr = 0.5;
const schedules: Readonly<Record<string, () => optim.Schedule>> = {
  constantLR: () => optim.constantLR(lr),
  stepLR: () => optim.stepLR({ lr, stepSize: 10 }),
  'stepLR gamma': () => optim.stepLR({ lr, stepSize: 7, gamma: 0.3 }),
  multiStepLR: () => optim.multiStepLR({ lr, milestones: [5, 6, 40] }),
  'multiStepLR gamma': () => optim.multiStepLR({ lr, milestones: [1, 30], gamma: 0.5 }),
  exponentialLR: () => optim.exponentialLR({ lr, gamma: 0.93 }),
  polynomialLR: () => optim.polynomialLR({ lr, steps: 40 }),
  'polynomialLR power': () => optim.polynomialLR({ lr, steps: 70, power: 2.5 }),
  cosineLR: () => optim.cosineLR({ lr, steps: 60 }),
  'cosineLR min': () => optim.cosineLR({ lr, steps: 59, min: 0.02 }),
  cosineRestartsLR: () => optim.cosineRestartsLR({ lr, steps: 13 }),
  'cosineRestartsLR tMult': () => optim.cosineRestartsLR({ lr, steps: 5, tMult: 2, min: 0.03 }),
  linearWarmupLR: () => optim.linearWarmupLR({ lr, steps: 12, start: 0.1 }),
  warmup: () => optim.warmup(optim.stepLR({ lr, stepSize: 20 }), { steps: 8, start: 0.25 }),
  sequentialLR: () =>
    optim.sequentialLR([optim.exponentialLR({ lr, gamma: 0.9 }), optim.cosineLR({ lr, steps: 50 })], [15]),
  oneCycleLR: () => optim.oneCycleLR({ maxLR: 0.5, steps: 60 }),
  'oneCycleLR linear': () =>
    optim.oneCycleLR({
      maxLR: 0.5,
      steps: 61,
      pctStart: 0.45,
      anneal: 'linear',
      divFactor: 10,
      finalDivFactor: 100,
    }),
  'oneCycleLR threePhase': () => optim.oneCycleLR({ maxLR: 0.5, steps: 60, threePhase: true }),
};

const plateaus: Readonly<Record<string, () => optim.ReportedSchedule>> = {
  reduceOnPlateau: () => optim.reduceOnPlateau({ lr }),
  'reduceOnPlateau patience': () => optim.reduceOnPlateau({ lr, patience: 1, factor: 0.5 }),
  'reduceOnPlateau abs': () =>
    optim.reduceOnPlateau({ lr, patience: 2, threshold: 0.3, thresholdMode: 'abs', factor: 0.7 }),
  'reduceOnPlateau rel': () =>
    optim.reduceOnPlateau({ lr, patience: 2, threshold: 0.2, cooldown: 3, factor: 0.7 }),
  'reduceOnPlateau max': () => optim.reduceOnPlateau({ lr, mode: 'max', patience: 3, factor: 0.6 }),
  'reduceOnPlateau max abs': () =>
    optim.reduceOnPlateau({ lr, mode: 'max', patience: 3, thresholdMode: 'abs', threshold: 0.05 }),
  'reduceOnPlateau minLR': () =>
    optim.reduceOnPlateau({ lr, patience: 0, factor: 0.3, minLR: 0.01, cooldown: 1 }),
  'reduceOnPlateau eps': () => optim.reduceOnPlateau({ lr, patience: 0, factor: 0.5, eps: 0.05 }),
};

/** PyTorch multiplies rates from step to step, so its last digits differ. */
const same = { relative: 1e-12, floor: 1e-3 };

describe(`schedules against PyTorch ${recorded.torch}`, () => {
  it('compares every recorded schedule', () => {
    expect(Object.keys(schedules).sort()).toEqual(Object.keys(recorded.rates).sort());
    expect(Object.keys(plateaus).sort()).toEqual(Object.keys(recorded.plateaus.rates).sort());
  });

  it.each(Object.entries(recorded.rates))('%s has the recorded rates', (name, rates) => {
    const schedule = (schedules[name] as () => optim.Schedule)();
    const found = rates.map((_, step) => schedule(step));
    report(name, 'torchValue', expectClose(name, found, rates, same));
    // Any step can be asked for, in any order.
    expect(schedule(7)).toBe(found[7]);
  });

  const { figures, rates } = recorded.plateaus;
  it.each(Object.entries(rates))('%s has the recorded rates', (name, expected) => {
    const schedule = (plateaus[name] as () => optim.ReportedSchedule)();
    expect(schedule(0)).toBe(lr);
    const found = figures.map((figure, i) => {
      schedule.report(figure);
      return schedule(i);
    });
    report(name, 'torchValue', expectClose(name, found, expected, same));
    expect(new Set(found).size).toBeGreaterThan(1);
  });
});

describe('schedules', () => {
  it('stay where they end', () => {
    expect(optim.cosineLR({ lr: 1, steps: 4, min: 0.2 })(100)).toBeCloseTo(0.2, 12);
    expect(optim.polynomialLR({ lr: 1, steps: 4 })(100)).toBe(0);
    const cycle = optim.oneCycleLR({ maxLR: 1, steps: 10 });
    expect(cycle(1000)).toBe(cycle(9));
    expect(optim.oneCycleLR({ maxLR: 1, steps: 1 })(0)).toBeGreaterThan(0);
  });

  it('may be any function of the step', () => {
    expect(optim.sgd({ lr: 0.3 }).schedule(9)).toBe(0.3);
    expect(optim.adam().schedule(9)).toBe(1e-3);
    expect(optim.sgd({ lr: (step) => 1 / (step + 1) }).scalarsAt(3)).toEqual([0.25]);
    const halved = optim.warmup((step) => 0.5 ** step, { steps: 2 });
    expect([0, 1, 2, 3].map(halved)).toEqual([0, 0.5, 1, 0.5]);
  });

  it('made of others hand on what is reported, once to each', () => {
    const plateau = optim.reduceOnPlateau({ lr: 1, patience: 1, factor: 0.5 });
    const schedule = optim.warmup(plateau, { steps: 2 });
    const optimizer = optim.sgd({ lr: schedule, groups: [{ match: /x/, lr: schedule }] });
    for (const figure of [1, 1]) optimizer.report(figure);
    expect(schedule(5)).toBe(1);
    optimizer.report(1);
    expect(schedule(5)).toBe(0.5);
  });
});

describe('what schedules remember', () => {
  const plateau = () => optim.reduceOnPlateau({ lr: 1, patience: 1, factor: 0.5, cooldown: 1 });
  /** A plateau in a group, and one deep in others. */
  const optimizer = () => {
    const inner = optim.warmup(plateau(), { steps: 3 });
    return optim.sgd({
      lr: optim.sequentialLR([optim.constantLR(0.1), inner], [2]),
      groups: [{ match: /x/, lr: plateau() }, { match: /y/ }, { match: /z/, lr: 0.3 }],
    });
  };
  const figures = [1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5];
  const rates = ({ groups }: optim.Optimizer) =>
    groups.flatMap(({ schedule }) => [0, 3, 9].map((step) => schedule(step)));

  it('lets others go on as they would have, after any number of figures', () => {
    for (let reported = 0; reported < figures.length; reported++) {
      const undisturbed = optimizer();
      for (const figure of figures.slice(0, reported)) undisturbed.report(figure);
      const states = decodeJson(encodeJson(undisturbed.scheduleStates())) as optim.ScheduleState[];
      const resumed = optimizer();
      resumed.restoreSchedules(states);
      for (const figure of figures.slice(reported)) {
        expect(rates(resumed)).toEqual(rates(undisturbed));
        for (const one of [undisturbed, resumed]) one.report(figure);
      }
      expect(rates(resumed)).toEqual(rates(undisturbed));
    }
  });

  it('must be of the same kinds of schedules', () => {
    const one = optim.sgd({ lr: plateau() });
    const expected = /needs the states of 1 schedules, got \[\]/;
    expect(() => one.restoreSchedules([])).toThrow(expected);
    expect(() => one.restoreSchedules([null])).toThrow('a schedule needs the state that it had, got null');
    expect(() => one.restoreSchedules([{ rate: 1 }])).toThrow(
      'reduceOnPlateau: state must be the numbers rate, best, bad and cooling, got an object',
    );
    const states = one.scheduleStates();
    expect(() => optim.sgd({ lr: 1 }).restoreSchedules(states)).toThrow('a schedule takes no state');
  });
});

describe('a function that makes schedules', () => {
  it('is no schedule', () => {
    const expected = 'must be a schedule, which cosineLR(...) makes, got function cosineLR';
    const bad = optim.cosineLR as never;
    expect(() => optim.adam({ lr: bad })).toThrow(`adam: lr ${expected}`);
    expect(() => optim.adam({ groups: [{ match: /bias/, lr: bad }] })).toThrow(expected);
    expect(() => optim.warmup(bad, { steps: 3 })).toThrow(expected);
    expect(optim.adam({ lr: (step) => 1 / (step + 1) })).toBeDefined();
  });
});
