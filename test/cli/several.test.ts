import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { io } from 'chainrule';
import { expect, it } from 'vitest';
import { chainrule, library } from '../helpers/command-line.js';
import { useFolder } from '../helpers/folder.js';

const folder = useFolder();

/** A training module of a model with two inputs and two outputs. */
function written(more = ''): string {
  const dir = folder();
  writeFileSync(
    join(dir, 'model.mjs'),
    `import { concat, data, nn, optim } from ${JSON.stringify(library)};
     class Ratings extends nn.Module {
       users = new nn.Embedding(4, 2);
       head = new nn.Linear(3, 3);
       forward({ user, price }) {
         const output = this.head.forward(concat([this.users.forward(user), price.unsqueeze(-1)], -1));
         return { rating: output.slice([[], [0, 1]]).squeeze(-1), click: output.slice([[], [1, 3]]) };
       }
     }
     const samples = () => data.fromArrays(
       { user: Int32Array.of(0, 1, 2, 3), price: [0.5, 1, 1.5, 2] },
       { rating: Float32Array.of(1, 2, 3, 4), click: [0, 1, 1, 0] },
       { weights: [1, 2, 0, 1] },
     );
     export default {
       model: () => new Ratings(),
       loss: { rating: nn.mseLoss, click: nn.crossEntropy },
       lossWeights: { rating: 0, click: 0.5 },
       optimizer: () => optim.sgd({ lr: 0 }),
       data: () => ({ train: samples(), test: samples() }),
       batchSize: 4,
       ${more}
     };`,
  );
  return dir;
}

it('train prints the figures of each output, of losses with their factors', async () => {
  const cwd = written();
  const { code, stdout, stderr } = await chainrule(['train', 'model.mjs', '--workers', '1'], { cwd });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const line =
    /epoch 1\/1 {2}loss ([\d.]+) {2}test loss ([\d.]+) {2}test rating\.loss ([\d.]+) {2}test click\.loss ([\d.]+) {2}test click\.accuracy ([\d.]+) %/.exec(
      stdout,
    );
  const [loss, testLoss, rating, click] = (line ?? []).slice(1).map(Number) as [
    number,
    number,
    number,
    number,
  ];
  expect(rating).toBeGreaterThan(0);
  expect(Math.abs(loss - 0.5 * click)).toBeLessThan(1e-3);
  expect(Math.abs(testLoss - 0.5 * click)).toBeLessThan(1e-3);
});

it('train takes metrics by output, and refuses what a trainer refuses before it loads data', async () => {
  const run = async (more: string) =>
    chainrule(['train', 'model.mjs', '--workers', '1'], { cwd: written(more) });
  expect((await run('metrics: { rating: { mae: nn.meanAbsoluteError } },')).stdout).toMatch(
    /test rating\.mae \d/,
  );
  const refused = async (more: string) => (await run(more)).stderr.trim();
  expect(await refused('metrics: { rating: { mae: 3 } },')).toBe(
    'train: model.mjs: metric rating.mae must be a function of output and target or a figure, got 3',
  );
  expect(await refused('lossWeights: { ratng: 1 },')).toBe(
    'train: model.mjs: unknown output lossWeights.ratng; did you mean lossWeights.rating? (the outputs are rating, click)',
  );
  expect(await refused('loss: { rating: 3 }, lossWeights: {},')).toBe(
    'train: model.mjs: loss.rating must be a function such as nn.crossEntropy, got 3',
  );
});

it('plan and profile take such a model', async () => {
  const cwd = written();
  const plan = await chainrule(['plan', 'model.mjs', '--json', '--workers', '1'], { cwd });
  expect(JSON.parse(plan.stdout)).toMatchObject({ batchSize: 4, workers: 1, untrained: [] });
  const profile = await chainrule(['profile', 'model.mjs', '--steps', '2', '--workers', '1'], { cwd });
  expect(profile).toMatchObject({ code: 0, stderr: '' });
  expect(profile.stdout).toMatch(/^users /m);
});

it('compare takes records of inputs and outputs', async () => {
  const cwd = written();
  const user = { dtype: 'int32' as const, shape: [2], data: Int32Array.of(1, 3) };
  const price = { dtype: 'float32' as const, shape: [2], data: Float32Array.of(0.5, -1) };
  const weights = {
    'users.weight': {
      dtype: 'float32' as const,
      shape: [4, 2],
      data: Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8),
    },
    'head.weight': {
      dtype: 'float32' as const,
      shape: [3, 3],
      data: Float32Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1),
    },
    'head.bias': { dtype: 'float32' as const, shape: [3], data: Float32Array.of(0, 0, 0) },
  };
  await io.writeSafetensors(join(cwd, 'weights.safetensors'), weights);
  const rating = { dtype: 'float32' as const, shape: [2], data: Float32Array.of(3, 7) };
  const click = { dtype: 'float32' as const, shape: [2, 2], data: Float32Array.of(4, 0.5, 8, -1) };
  const recorded = {
    'input.user': user,
    'input.price': price,
    'output.rating': rating,
    'output.click': click,
  };
  await io.writeSafetensors(join(cwd, 'good.safetensors'), recorded);
  await io.writeSafetensors(join(cwd, 'bad.safetensors'), {
    ...recorded,
    'output.rating': { ...rating, data: Float32Array.of(3, 8) },
  });
  const { 'input.price': _, ...without } = recorded;
  await io.writeSafetensors(join(cwd, 'without.safetensors'), without);
  const run = (file: string) =>
    chainrule(['compare', 'model.mjs', file, '--weights', 'weights.safetensors'], { cwd });
  const good = await run('good.safetensors');
  expect(good).toMatchObject({ code: 0, stderr: '' });
  expect(good.stdout).toMatch(
    /^output\.rating +Ratings +\[2\] +0 +0\noutput\.click +Ratings +\[2,2\] +0 +0$/m,
  );
  const bad = await run('bad.safetensors');
  expect(bad.code).toBe(1);
  expect(bad.stdout).toContain('output.rating (Ratings) is the first to depart');
  expect((await run('without.safetensors')).stderr).toContain(
    'compare: the inputs must have price, which forward reads, got a record of user',
  );
});
