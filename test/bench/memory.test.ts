import { describe, expect, it } from 'vitest';
import { figuresOf } from '#lib/bench/figures.js';
import { deepScenarios } from '#lib/bench/scenarios/deep.js';
import { LONG } from '../helpers/long.js';

/**
 * Computed by hand from the models' descriptions; ResNets as in table 6 of He et al. (2016), 0.27 M and 0.85 M, with
 * projections.
 */
const parameters: Readonly<Record<string, number>> = {
  mlp64: 63 * (256 * 256 + 256) + 256 * 10 + 10,
  resnet20: 272_474,
  resnet56: 855_770,
  gpt8: 96 * 128 + 64 * 128 + 8 * (12 * 128 ** 2 + 13 * 128) + 2 * 128 + 128 * 96 + 96,
  residual1000: 1001 * (32 * 32 + 32) + 32 * 10 + 10,
};

/** Their plans of many steps take long to verify. */
const deepest = deepScenarios.filter(({ name }) => ['residual1000', 'resnet56'].includes(name));

describe('the models that memory is measured on', () => {
  it.each(deepest)('$name has its parameters', ({ name, model }) => {
    const sizes = model()
      .parameters()
      .map(({ size }) => size);
    expect(sizes.reduce((a, b) => a + b)).toBe(parameters[name]);
  });

  it.each(LONG ? deepScenarios : deepScenarios.filter((one) => !deepest.includes(one)))(
    '$name has its parameters, and activations that take much more',
    (scenario) => {
      const figures = figuresOf(scenario, 1);
      expect(figures.parameters).toBe(parameters[scenario.name]);
      expect(figures.arenaBytes).toBeGreaterThan(4 * 4 * figures.parameters);
    },
  );
});
