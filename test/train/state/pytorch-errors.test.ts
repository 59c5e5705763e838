import { nn, optim, type Tensor, Trainer, type TrainerLoadOptions } from 'chainrule';
import { beforeAll, describe, expect, it } from 'vitest';
import type { FileTensor } from '#lib/io/file-dtypes.js';
import { useFolder } from '../../helpers/folder.js';
import { failure } from '../../helpers/graphs.js';
import { fits, optimizerOf, parameters, readRecorded, type Saved, STEPS, trainerOf } from './recorded.js';

const folder = useFolder();
const names = [
  'sgd',
  'sgd dampening',
  'adam',
  'adam amsgrad',
  'adamW',
  'adamW groups',
  'rmsProp',
  'adam frozen',
];
const files: Record<string, Saved> = {};
beforeAll(async () => {
  for (const name of names) files[name] = await readRecorded(folder(), name);
});

const saved = (name: string) => structuredClone(files[name] as Saved);
type Dict = Saved['optimizer_state_dict'];

/** The error with which a trainer refuses a state, which changes nothing. */
async function refusal(trainer: Trainer, dict: object, options: TrainerLoadOptions = {}): Promise<string> {
  const before = await trainer.state();
  const loading = trainer.loadState(dict as Dict, { layout: 'pytorch', ...options });
  const { message } = await failure(loading);
  expect(await trainer.state()).toEqual(before);
  return message;
}

/** A trainer of Adam, and its state of PyTorch with a change. */
async function changed(change: (saved: Saved) => void, name = 'adam') {
  const file = saved(name);
  const { trainer } = await trainerOf(file, optimizerOf(name));
  change(file);
  return { trainer, dict: file.optimizer_state_dict, order: file.model_state_dict };
}

const entry = (dict: Dict, index: number) => dict.state.get(index) as Record<string, FileTensor | number>;
const group = ({ optimizer_state_dict: dict }: Saved, index = 0) =>
  dict.param_groups[index] as Record<string, unknown>;

describe("PyTorch's state of another optimiser", () => {
  it('is refused', async () => {
    const { trainer } = await changed(() => {});
    const { optimizer_state_dict: dict, model_state_dict: order } = saved('sgd');
    expect(await refusal(trainer, dict, { order })).toBe(
      "loadState: the state must be one of PyTorch's Adam, as the trainer's optimiser is, got one of SGD",
    );
    const { trainer: other } = await trainerOf(saved('sgd'), optimizerOf('sgd'));
    expect(await refusal(other, saved('rmsProp').optimizer_state_dict, { order })).toMatch(
      /got one of RMSprop$/,
    );
    const { trainer: lion } = await trainerOf(saved('sgd'), optim.lion());
    expect(await refusal(lion, dict, { order })).toBe(
      "loadState: layout 'pytorch' is for sgd, adam, amsGrad, adamW and rmsProp, got lion",
    );
    await expect(lion.state({ layout: 'pytorch' })).rejects.toThrow(
      "state: layout 'pytorch' is for sgd, adam",
    );
  });

  it('is told by whether its decay is decoupled', async () => {
    const { trainer } = await changed(() => {});
    const { optimizer_state_dict: dict, model_state_dict: order } = saved('adamW');
    expect(await refusal(trainer, dict, { order })).toMatch(
      /^loadState: the state is of another optimiser: optimizer: AdamW in the state, Adam given\. /,
    );
    const allow = ['optimizer'];
    const report = await trainer.loadState(dict, { layout: 'pytorch', order, allow });
    expect(report.settings.map(({ name }) => name)).toContain('optimizer.betas');
    expect(trainer.steps).toBe(STEPS);
  });
});

describe("settings that differ from PyTorch's", () => {
  it('are an error that names them, unless they are allowed', async () => {
    const { optimizer_state_dict: dict, model_state_dict: order } = saved('adam');
    const { trainer } = await trainerOf(saved('adam'), optim.adam({ lr: 0.02, betas: [0.9, 0.99] }));
    const message = await refusal(trainer, dict, { order });
    expect(message).toBe(
      'loadState: the state does not fit the trainer: optimizer.lr: 0.01 in the state, 0.02 given; ' +
        'optimizer.betas: 0.8, 0.99 in the state, 0.9, 0.99 given; ' +
        'optimizer.weightDecay: 0.02 in the state, 0 given. What you mean to change can be named in allow, as ' +
        "'optimizer.lr', 'optimizer.betas' and 'optimizer.weightDecay'",
    );
    expect(await refusal(trainer, dict, { order, allow: ['optimizer.rl'] })).toBe(
      'loadState: allow: nothing is called optimizer.rl; did you mean optimizer.lr?',
    );
    const allow = ['optimizer.lr', 'optimizer.betas', 'optimizer.weightDecay'];
    const { settings } = await trainer.loadState(dict, { layout: 'pytorch', order, allow });
    expect(settings.map(({ name }) => name)).toEqual(allow);
    const loose = await trainer.loadState(dict, { layout: 'pytorch', order, strict: false });
    expect(loose.settings).toEqual(settings);
  });

  it('are told group by group', async () => {
    const { dict, trainer } = await changed((file) => {
      group(file, 1).weight_decay = 0.1;
      group(file, 1).maximize = true;
    }, 'adamW groups');
    const order = [
      ['conv.weight', 'fc.weight'],
      ['norm.weight', 'norm.bias', 'fc.bias'],
    ];
    expect(await refusal(trainer, dict, { order })).toMatch(
      /: optimizer\.groups\[0\]\.weightDecay: 0\.1 in param_groups\[1\], 0 given; optimizer\.groups\[0\]\.maximize: true in/,
    );
  });

  it('are numbers or tensors, and rates that a schedule has rounded', async () => {
    const scalar = (value: number): FileTensor => ({
      dtype: 'float32',
      shape: [],
      data: Float32Array.of(value),
    });
    const { dict, order, trainer } = await changed((file) => {
      Object.assign(group(file), { lr: scalar(0.01), eps: scalar(1e-8), betas: [scalar(0.8), scalar(0.99)] });
    });
    expect((await trainer.loadState(dict, { layout: 'pytorch', order })).settings).toEqual([]);
    group({ optimizer_state_dict: dict } as Saved).lr = 0.01 * (1 + 1e-12);
    expect((await trainer.loadState(dict, { layout: 'pytorch', order })).settings).toEqual([]);
  });

  it('are those that are read; of others there is a hint', async () => {
    const { dict, order, trainer } = await changed((file) => {
      group(file).lr_scale = 0.5;
    });
    expect(await trainer.loadState(dict, { layout: 'pytorch', order })).toEqual({
      ...fits,
      hints: ['param_groups[0] has also lr_scale, which is not read'],
    });
  });
});

describe('the order of the parameters', () => {
  const names = (order: TrainerLoadOptions['order'], change = (_: Saved) => {}, name = 'adam') =>
    changed(change, name).then(({ trainer, dict }) => refusal(trainer, dict, order ? { order } : {}));

  it('must be given', async () => {
    expect(await names(undefined)).toMatch(
      /^loadState: the entries of the state have no names: pass order, /,
    );
  });

  it('must have a name for each', async () => {
    expect(await names(parameters.slice(1))).toBe(
      'loadState: order must name the 5 parameters of param_groups, got 4 names',
    );
    expect(await names([...parameters.slice(1), 'fc.bias'])).toMatch(/order must name each parameter once$/);
    expect(
      await names({ ...saved('adam').model_state_dict, more: saved('adam').model_state_dict['fc.bias'] }),
    ).toBe(
      'loadState: order must name the 5 parameters of param_groups; of the state dict some tensors are others, so pass a ' +
        'list of names, got 6 names',
    );
  });

  it('must be that of the model, not that of a safetensors file', async () => {
    const sorted = Object.fromEntries(Object.entries(saved('adam').model_state_dict).sort());
    expect(Object.keys(sorted)[1]).toBe('fc.bias');
    expect(await names(sorted)).toMatch(
      /order must be in the order of the model, and its names are sorted, /,
    );
  });

  it('must say which group has which, if there are several', async () => {
    expect(await names(saved('adam').model_state_dict, () => {}, 'adamW groups')).toBe(
      'loadState: order must be 2 lists of names, one for each of param_groups, as PyTorch numbers the parameters ' +
        'group by group',
    );
    expect(await names([parameters.slice(0, 3), parameters.slice(3)], () => {}, 'adamW groups')).toBe(
      'loadState: order must name the 2 parameters and 3 parameters of param_groups, got 3 and 2 names',
    );
  });

  it('that is wrong shows in the shapes', async () => {
    const message = await names(parameters.toReversed());
    expect(message).toContain('conv.weight/exp_avg is float32[3], not float32[3,2,3,2]');
    expect(message).toContain('fc.bias/exp_avg_sq is float32[3,2,3,2], not float32[3]');
  });

  it('has a tied parameter once, under any of its names', async () => {
    class Tied extends nn.Module {
      readonly a = new nn.Linear(2, 2, { bias: false });
      readonly b = new nn.Linear(2, 2);
      constructor() {
        super();
        Object.assign(this.b, { weight: this.a.weight });
      }
      forward(x: Tensor): Tensor {
        return this.b.forward(this.a.forward(x));
      }
    }
    const tensor = (value: number, shape: number[]): FileTensor => ({
      dtype: 'float32',
      shape,
      data: new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(value),
    });
    const weight = tensor(0, [2, 2]);
    const dict = {
      state: { 0: { momentum_buffer: tensor(1, [2, 2]) }, 1: { momentum_buffer: tensor(2, [2]) } },
      param_groups: [
        { lr: 0.1, momentum: 0.9, dampening: 0, weight_decay: 0, nesterov: false, params: [0, 1] },
      ],
    };
    const trainer = () =>
      new Trainer(new Tied(), { loss: nn.mseLoss, optimizer: optim.sgd({ lr: 0.1, momentum: 0.9 }) });
    const order = { 'a.weight': weight, 'b.weight': weight, 'b.bias': tensor(0, [2]) };
    const one = trainer();
    expect(await one.loadState(dict, { layout: 'pytorch', order })).toEqual(fits);
    const other = trainer();
    await other.loadState(dict, { layout: 'pytorch', order: ['b.weight', 'b.bias'] });
    expect(await other.state()).toEqual(await one.state());
    const both = { ...dict, param_groups: [{ ...dict.param_groups[0], params: [0, 1, 2] }] };
    expect(await refusal(one, both, { order: ['a.weight', 'b.bias', 'b.weight'] })).toBe(
      'loadState: a.weight and b.weight are one parameter here',
    );
  });

  it('takes names by prefix and rename', async () => {
    const { trainer, dict, order } = await changed(() => {});
    const wrapped = Object.fromEntries(
      Object.entries(order).map(([name, tensor]) => [`module.${name}`, tensor]),
    );
    expect(await refusal(trainer, dict, { order: wrapped })).toMatch(/pass prefix: 'module\.', with which/);
    const prefix = 'module.';
    expect(await trainer.loadState(dict, { layout: 'pytorch', order: wrapped, prefix })).toEqual(fits);
    const alone = Object.fromEntries(parameters.map((name) => [name, null]));
    expect(await trainer.loadState(dict, { layout: 'pytorch', order: alone })).toEqual(fits);
    const renamed = parameters.map((name) => name.replace('fc.', 'head.'));
    const rename = { 'head.weight': 'fc.weight', 'head.bias': 'fc.bias' };
    expect(await trainer.loadState(dict, { layout: 'pytorch', order: renamed, rename })).toEqual(fits);
    const hidden = (name: string) => (name === 'fc.bias' ? undefined : name);
    expect(await refusal(trainer, dict, { order, rename: hidden })).toMatch(
      /trainer: it lacks fc\.bias\/exp_avg, fc\.bias\/exp_avg_sq$/,
    );
  });
});

describe("the entries of PyTorch's state", () => {
  it('are all read', async () => {
    const { trainer, dict, order } = await changed(({ optimizer_state_dict: { state } }) => {
      state.delete(4);
      Object.assign(state.get(0) as object, { extra: state.get(1)?.exp_avg });
    });
    expect(await refusal(trainer, dict, { order })).toBe(
      'loadState: the state does not fit the trainer: it lacks fc.bias/exp_avg, fc.bias/exp_avg_sq; it has also ' +
        'conv.weight/extra',
    );
    const report = await trainer.loadState(dict, { layout: 'pytorch', order, strict: false });
    expect(report.missing).toEqual(['fc.bias/exp_avg', 'fc.bias/exp_avg_sq']);
    expect(trainer.steps).toBe(STEPS);
  });

  it('may be those of a new optimiser, which has none', async () => {
    const { trainer, dict, order } = await changed(() => {});
    await trainer.loadState(dict, { layout: 'pytorch', order });
    dict.state.clear();
    expect(await trainer.loadState(dict, { layout: 'pytorch', order })).toEqual(fits);
    expect(trainer.steps).toBe(0);
    expect((await trainer.state())['training/optimizer/mean/fc.bias']?.data).toEqual(new Float32Array(3));
    expect((await trainer.state({ layout: 'pytorch' })).state).toEqual({});
  });

  it('of frozen parameters have no place', async () => {
    const { trainer, dict, order } = await changed(() => {});
    (trainer.model as unknown as { norm: nn.Module }).norm.freeze();
    expect(await refusal(trainer, dict, { order })).toMatch(
      /it has also norm\.weight\/exp_avg, .*; nothing is kept for frozen parameters: norm\.weight, norm\.bias$/,
    );
  });

  it('must have made the same number of steps', async () => {
    const { trainer, dict, order } = await changed(({ optimizer_state_dict: own }) => {
      entry(own, 3).step = 8;
      for (const index of [0, 1, 2, 4]) entry(own, index).step = STEPS;
    });
    expect(await refusal(trainer, dict, { order })).toMatch(
      /: fc\.weight\/step: 8 in the state, where others have 10; here there is one count\. .* as 'fc\.weight\/step'$/,
    );
    const allow = ['fc.weight/step'];
    await trainer.loadState(dict, { layout: 'pytorch', order, allow });
    expect(trainer.steps).toBe(STEPS);
    entry(dict, 3).step = 1.5;
    expect(await refusal(trainer, dict, { order })).toBe(
      'loadState: fc.weight/step must be a non-negative integer, got 1.5',
    );
    delete entry(dict, 3).step;
    expect(await refusal(trainer, dict, { order })).toMatch(/it lacks fc\.weight\/step$/);
    expect(await refusal(trainer, dict, { order, updates: 3 })).toBe(
      'loadState: updates is for SGD: Adam counts its steps, got 3',
    );
  });

  it('are counted by the caller for SGD, where something depends on it', async () => {
    const { optimizer_state_dict: dict, model_state_dict: order } = saved('sgd dampening');
    const { trainer } = await trainerOf(saved('sgd dampening'), optimizerOf('sgd dampening'));
    expect(await refusal(trainer, dict, { order })).toMatch(/or the dampening depends on: pass updates$/);
    const { optimizer_state_dict: plain } = saved('sgd');
    const lr = optim.stepLR({ lr: 0.1, stepSize: STEPS, gamma: 0.5 });
    const settings = { lr, momentum: 0.9, nesterov: true, weightDecay: 0.01, accumulate: 2 };
    const { trainer: other } = await trainerOf(saved('sgd'), optim.sgd(settings));
    expect(await refusal(other, plain, { order })).toMatch(/pass updates$/);
    await other.loadState(plain, { layout: 'pytorch', order, updates: STEPS });
    expect(other.steps).toBe(2 * STEPS);
    expect(await refusal(other, plain, { order, updates: STEPS - 1 })).toMatch(
      /optimizer.lr: 0.05 in the state, 0.1/,
    );
  });

  it('are widened, and rounded by cast alone', async () => {
    const wide = await readRecorded(folder(), 'adam', 'float64');
    const { trainer } = await changed(() => {});
    const { optimizer_state_dict: dict, model_state_dict: order } = wide;
    expect(await refusal(trainer, dict, { order })).toMatch(/pass cast: true/);
    expect(await trainer.loadState(dict, { layout: 'pytorch', order, cast: true })).toEqual(fits);
    const { trainer: other } = await trainerOf(saved('adam'), optimizerOf('adam'), { dtype: 'float64' });
    const { optimizer_state_dict: narrow } = saved('adam');
    expect(await other.loadState(narrow, { layout: 'pytorch', order })).toEqual(fits);
  });

  it('restart averages and accumulated gradients', async () => {
    const file = saved('adam');
    const settings = {
      lr: 0.01,
      betas: [0.8, 0.99],
      weightDecay: 0.02,
      average: 0.9,
      accumulate: 3,
    } as const;
    const { trainer, model } = await trainerOf(file, optim.adam(settings));
    const state = await trainer.state();
    const kept = Object.entries(state).filter(([name]) => /average|sum|accumulated/.test(name));
    for (const [name, { data }] of kept) if (!name.includes('average')) (data as Float32Array).fill(1);
    await trainer.loadState(state);
    await trainer.loadState(file.optimizer_state_dict, { layout: 'pytorch', order: file.model_state_dict });
    expect(trainer.steps).toBe(3 * STEPS);
    const after = await trainer.state();
    expect(after['training/accumulated']?.data).toEqual(new Float64Array(2));
    expect(after['training/sum/fc.bias']?.data).toEqual(new Float32Array(3));
    expect(after['training/average/fc.bias']?.data).toEqual(model.fc.bias?.storage.data.slice());
  });
});

describe('the form of the state', () => {
  it('is checked', async () => {
    const form =
      'loadState: the state must be { state, param_groups }, as optimizer.state_dict() of PyTorch gives it';
    const { trainer, dict, order } = await changed(() => {});
    expect(await refusal(trainer, saved('adam'), { order })).toBe(`${form}: pass its optimizer_state_dict`);
    expect(await refusal(trainer, await trainer.state(), { order })).toBe(form);
    await expect(trainer.loadState(dict)).rejects.toThrow(
      "loadState: the state is one of a PyTorch optimiser: pass layout: 'pytorch'",
    );
    const changes: [object, RegExp][] = [
      [{ state: 3 }, /the state must be \{ state, param_groups \}.*, got 3$/],
      [{ state: { 0: 1 } }, /state\[0\] must be an object of tensors by name, got 1$/],
      [{ state: { 9: {} } }, /state\[9\] must be of a parameter in param_groups$/],
      [{ state: { 0: { step: 1, exp_avg: 'x' } } }, /conv\.weight\/exp_avg must be a tensor, got x$/],
      [{ param_groups: [{ ...dict.param_groups[0], params: [0, 0, 1, 2, 3] }] }, /each parameter once$/],
      [
        { param_groups: [{ lr: 1 }] },
        /param_groups\[0\] must be an object with a list params, got an object$/,
      ],
      [{ param_groups: [{ ...dict.param_groups[0], param_names: ['a'] }] }, /param_names must be 5 names/],
    ];
    for (const [change, message] of changes)
      expect(await refusal(trainer, { ...dict, ...change }, { order })).toMatch(message);
  });
});
