import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { io } from 'chainrule';
import { expect, it } from 'vitest';
import { chainrule, library } from '../helpers/command-line.js';
import { useFolder } from '../helpers/folder.js';

const folder = useFolder();
const float = (shape: number[], values: number[]) => ({
  dtype: 'float32' as const,
  shape,
  data: Float32Array.from(values),
});

/** A folder with a model of one linear layer, its weights, and what was recorded of it. */
async function written(exported: string): Promise<string> {
  const dir = folder();
  writeFileSync(
    join(dir, 'model.mjs'),
    `import { nn } from ${JSON.stringify(library)};
     class Net extends nn.Module {
       fc = new nn.Linear(2, 2);
       forward(x) { return this.fc.forward(x).relu(); }
     }
     export default ${exported};`,
  );
  const weights = { 'fc.weight': float([2, 2], [1, 2, 3, 4]), 'fc.bias': float([2], [0, 1]) };
  await io.writeSafetensors(join(dir, 'weights.safetensors'), weights);
  const input = float([1, 2], [1, -2]);
  await io.writeSafetensors(join(dir, 'good.safetensors'), { input, fc: float([1, 2], [-3, -4]) });
  await io.writeSafetensors(join(dir, 'bad.safetensors'), {
    input,
    fc: float([1, 2], [-3, -4]),
    output: float([1, 2], [-0.03, -0.04]),
  });
  return dir;
}

it.each(['() => new Net()', 'new Net()', '{ model: () => new Net() }'])(
  'compare prints the layers of export default %s, and fails if one departs',
  async (exported) => {
    const cwd = await written(exported);
    const run = (file: string, ...more: string[]) =>
      chainrule(['compare', 'model.mjs', file, '--weights', 'weights.safetensors', ...more], { cwd });
    const good = await run('good.safetensors');
    expect(good).toMatchObject({ code: 0, stderr: '' });
    expect(good.stdout).toMatch(/^fc +Linear +\[1,2\] +0 +0$/m);
    expect(good.stdout).toContain('No layer departs.');
    const bad = await run('bad.safetensors');
    expect(bad).toMatchObject({ code: 1, stderr: '' });
    expect(bad.stdout).toMatch(
      /^output \(Net\) is the first to depart: the original has leaky ReLU of slope 0\.01 at its end, in place/m,
    );
    if (exported !== 'new Net()') return;
    const json = await run('bad.safetensors', '--json', '--tolerance', '1e-6');
    expect(JSON.parse(json.stdout)).toMatchObject({ first: { path: 'output', departs: true }, missing: [] });
    expect(json.code).toBe(1);
  },
);

it('compare says what is wrong with its files and options', async () => {
  const cwd = await written('{ loss: 1 }');
  const said = async (...args: string[]) => (await chainrule(['compare', ...args], { cwd })).stderr.trim();
  expect(await said('model.mjs', 'god.safetensors')).toMatch(
    /^compare: god.safetensors: there is no file .*did you mean good.safetensors\?$/,
  );
  expect(await said('model.mjs', 'good.safetensors')).toBe(
    'compare: model.mjs: must export by default a function that makes the model, or an object with model(), got an object',
  );
  expect(await said('model.mjs', 'good.safetensors', '--tolerance', '0')).toContain(
    'It must be a positive number',
  );
  expect(await said('model.mjs', 'good.safetensors', '--layout', 'keras')).toContain('Allowed choices are');
});
