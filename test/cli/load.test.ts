import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { loadRun } from '#lib/cli/load.js';
import { useFolder } from '../helpers/folder.js';

const folder = useFolder();
const library = pathToFileURL(resolve('dist/lib/index.js')).href;

const whole = {
  model: '() => new nn.Linear(6, 3)',
  loss: 'nn.crossEntropy',
  optimizer: '() => optim.sgd({ lr: 0.1 })',
  data: 'async () => ({ train: samples() })',
};

let files = 0;

/** Loads a module whose default export has these keys, each with an expression. */
function load(keys: Readonly<Record<string, string | undefined>>, more = '') {
  const file = join(folder(), `module-${files++}.mjs`);
  const entries = Object.entries(keys).filter(([, value]) => value !== undefined);
  const body = entries.map(([key, value]) => `${key}: ${value}`).join(',\n');
  writeFileSync(
    file,
    `import { data, nn, optim } from ${JSON.stringify(library)};
     const samples = () =>
       data.fromArrays(new Float32Array(60), new Int32Array(10), { inputs: { shape: [6] } });
     ${more}
     export default { ${body} };`,
  );
  return loadRun('train', file, {});
}

describe('a training module', () => {
  it('is loaded, with the helpers that it exports', async () => {
    const run = await load({ ...whole, batchSize: '5' }, 'export const classes = 3; export const epoch = 1;');
    expect(run).toMatchObject({ batchSize: 5, dropLast: false, epochs: 1, seed: 0 });
  });

  it('tells its optimiser the steps of a run without the last batches', async () => {
    const note = '({ steps }) => { globalThis.counted = steps; return optim.sgd({ lr: 1 }); }';
    const run = await load({ ...whole, optimizer: note, batchSize: '4', epochs: '3', dropLast: 'true' });
    expect(run).toMatchObject({ batchSize: 4, dropLast: true, epochs: 3 });
    expect(Reflect.get(globalThis, 'counted')).toBe(6);
  });

  it('may be an instance of a class', async () => {
    const file = join(folder(), 'instance.mjs');
    writeFileSync(
      file,
      `import { data, nn, optim } from ${JSON.stringify(library)};
       class Training {
         rows = 10;
         loss = nn.mseLoss;
         model() { return new nn.Linear(1, 1); }
         optimizer() { return optim.adam(); }
         data() { return { train: data.fromArrays(new Float32Array(this.rows), new Float32Array(this.rows), { inputs: { shape: [1] }, targets: { shape: [1] } }) }; }
       }
       export default new Training();`,
    );
    expect((await loadRun('train', file, {})).data.train.length).toBe(10);
  });

  it('may give samples alone, and promises', async () => {
    const run = await load({
      ...whole,
      data: '() => samples()',
      model: `async () => ${whole.model.slice(6)}`,
      optimizer: 'async () => optim.adam()',
    });
    expect(run.data.train.length).toBe(10);
    expect(run.data.test).toBeUndefined();
  });

  it('may give a stream without a length', async () => {
    const run = await load({ ...whole, data: '() => data.stream(() => [], { inputs: { shape: [6] } })' });
    expect(run.data.train.length).toBeUndefined();
  });

  it('may be compiled to CommonJS', async () => {
    const body = `{ __esModule: true, default: { ${Object.entries(whole).map(([k, v]) => `${k}: ${v}`)} } }`;
    const file = join(folder(), 'compiled.mjs');
    writeFileSync(
      file,
      `import { data, nn, optim } from ${JSON.stringify(library)};
       const samples = () => data.fromArrays(new Float32Array(60), new Int32Array(10), { inputs: { shape: [6] } });
       export default ${body};`,
    );
    expect((await loadRun('train', file, {})).data.train.length).toBe(10);
  });

  it.each<[string, Readonly<Record<string, string | undefined>>, string]>([
    ['an unknown key', { batch_size: '5' }, 'unknown key batch_size; did you mean batchSize?'],
    ['another spelling', { optimiser: '1', optimizer: undefined }, 'did you mean optimizer?'],
    ['another name', { num_epochs: '5' }, 'unknown key num_epochs; did you mean epochs?'],
    ['a strange key', { colour: '5' }, 'unknown key colour; the keys are model, loss, optimizer, data, '],
    ['a key that is missing', { data: undefined }, 'it lacks data'],
    [
      'no loss function',
      { loss: '"mse"' },
      'loss must be a function such as nn.crossEntropy, or a list or a record of such functions by output, got mse',
    ],
    ['a class for a model', { model: 'nn.Linear' }, 'model must be a function that makes the model, got'],
    [
      'a list of metrics',
      { metrics: '[nn.accuracy]' },
      'metrics must be an object of functions and figures, such as',
    ],
    ['a text for a number', { epochs: '"3"' }, "epochs must be a positive integer, got '3'"],
    ['half an epoch', { epochs: '0.5' }, 'epochs must be a positive integer, got 0.5'],
    [
      'data of another form',
      { data: 'async () => [samples()]' },
      'data() must give { train, test }, a Dataset or a stream, got [an instance of Dataset]',
    ],
    [
      'a generator for data',
      { data: 'async function* () {}' },
      'an iterable needs data.stream(() => iterable, { inputs: { shape } }), got an object',
    ],
    ['no data', { data: '() => null' }, 'data() must give { train, test }, a Dataset or a stream, got null'],
    [
      'data() without a result',
      { data: 'async () => {}' },
      'data() must give { train, test }, a Dataset or a stream, got undef',
    ],
    [
      'rows for data',
      { data: '() => ({ train: [1] })' },
      'data().train must be a Dataset, as data.fromArrays()',
    ],
    ['a layer class', { model: '() => nn.ReLU' }, 'model() must be a module, which new ReLU(...) makes'],
    ['no model', { model: 'async () => undefined' }, 'model() must be a module, got undefined'],
    [
      'no optimiser',
      { optimizer: '() => ({ lr: 0.1 })' },
      'optimizer() must be one such as optim.adam(), got an object',
    ],
    ['a rejected promise', { data: '() => Promise.reject("offline")' }, 'data(): offline'],
    [
      'an error without words',
      { model: '() => { throw new Error(); }' },
      'model(): an error without a message',
    ],
    ['what throws nothing', { model: '() => { throw null; }' }, 'model(): null'],
    ['a model that is a list', { model: '[1]' }, 'model must be a function that makes the model, got [1]'],
    [
      'samples for validation under another name',
      { data: '() => ({ train: samples(), validation: samples() })' },
      'unknown option data().validation; did you mean data().test?',
    ],
    [
      'an optimiser that asks for the steps of a stream without a length',
      {
        data: '() => data.stream(() => [], { inputs: { shape: [6] } })',
        optimizer: '({ steps }) => optim.sgd({ lr: optim.cosineDecay(0.1, steps) })',
      },
      'optimizer() asks for the steps of the run: the stream to train on needs the option length',
    ],
  ])('is refused for %s', async (_, changed, message) => {
    await expect(load({ ...whole, ...changed })).rejects.toThrow(message);
    await expect(load({ ...whole, ...changed })).rejects.toThrow(/^train: module-\d+\.mjs: /);
  });

  it.each([
    ['export default null;', 'data, got null'],
    ['export default () => 1;', 'data, got function default'],
    ['export default [1];', 'data, got [1]'],
    ['export default "x";', 'data, got x'],
    ['export default class Training {};', 'data, got function Training'],
    ['export const a = 1;', 'with the functions model, loss, optimizer and data; it has no default export'],
  ])('is refused for %s', async (text, message) => {
    const file = join(folder(), `other-${files++}.mjs`);
    writeFileSync(file, text);
    await expect(loadRun('train', file, {})).rejects.toThrow(message);
  });

  it('is refused for keys that it exports by name', async () => {
    await expect(load(whole, 'export const batch_size = 5;')).rejects.toThrow(
      'must have batch_size as keys of its default export',
    );
    const all = 'export const model = () => new nn.Linear(6, 3); export const loss = nn.crossEntropy;';
    await expect(load({}, all)).rejects.toThrow(
      'it lacks model, loss, optimizer, data; it exports loss and model by name, not as keys of that object',
    );
    await expect(load(whole, all)).resolves.toBeDefined();
  });
});
