import { optim } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { randomData } from '#lib/bench/random-data.js';
import { scenarios } from '#lib/bench/scenarios/index.js';
import { batchLoss } from '#lib/nn/losses/batch-loss.js';
import { prepareTraining, workersOf } from '#lib/train/prepare/jobs.js';
import { trainingModes } from '#lib/train/prepare/mode.js';
import { TrainerMemory } from '#lib/train/prepare/trainer-memory.js';

describe('a trainer that may use fewer workers', () => {
  const prepared = (name: string, mayUseOne: boolean) => {
    const scenario = scenarios.find((candidate) => candidate.name === name);
    if (scenario?.kind !== 'train') throw new Error(`no training case ${name}`);
    const { loss, batchSize } = scenario;
    const optimizer = optim.adam();
    const model = scenario.model().init(1);
    const memory = new TrainerMemory(model, optimizer).current();
    const cores = mayUseOne ? 4 : undefined;
    const modes = trainingModes(model);
    const context = {
      workers: 4,
      cores,
      seed: 1,
      model,
      modes,
      loss: batchLoss('Trainer', loss),
      optimizer,
      metrics: {},
      ...memory,
    };
    return prepareTraining(context, randomData(scenario, 1), { batchSize });
  };

  it('takes one where a step has little work', () => {
    const training = prepared('tiny_mlp', true);
    expect(workersOf(training)).toBe(1);
    expect(training.gradients.length).toBe(1);
    expect([...training.plans.keys()]).toEqual([32]);
  });

  it('takes all where there is enough, or where their number was asked for', () => {
    expect(workersOf(prepared('mnist_mlp', true))).toBe(4);
    expect(workersOf(prepared('tiny_mlp', false))).toBe(4);
  });
});
