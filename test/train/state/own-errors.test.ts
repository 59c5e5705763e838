import { nn, optim, Trainer } from 'chainrule';
import { describe, expect, it } from 'vitest';
import type { FileTensor } from '#lib/io/file-dtypes.js';
import { failure } from '../../helpers/graphs.js';
import { hashOf } from '../../helpers/runs.js';
import { collect, mlp, points } from '../../helpers/training.js';
import { fits } from './recorded.js';

const samples = points(8);
const options = { batchSize: 4 };
type State = Readonly<Record<string, FileTensor>>;

const trainerOf = (optimizer: optim.Optimizer, model: nn.Module = mlp(6, 3, 4)) =>
  new Trainer(model, { loss: nn.crossEntropy, optimizer, workers: 1, shards: 1 });

const sgd = (more: Partial<optim.SgdOptions> = {}) => optim.sgd({ lr: 0.1, momentum: 0.9, ...more });

/** The state of a trainer after two steps. */
async function stateAfter(optimizer: optim.Optimizer, model?: nn.Module): Promise<State> {
  const trainer = trainerOf(optimizer, model);
  await collect(trainer.fit(samples, options));
  return await trainer.state();
}

/** The message of the error with which a trainer refuses a state, which changes nothing. */
async function refusal(trainer: Trainer, state: State, more: object = {}): Promise<string> {
  const before = [await trainer.state(), hashOf(trainer.model)];
  const { message } = await failure(trainer.loadState(state, more));
  expect([await trainer.state(), hashOf(trainer.model)]).toEqual(before);
  return message;
}

const momentum = 'training/optimizer/momentum/';
const text = (value: unknown): FileTensor => {
  const data = new TextEncoder().encode(JSON.stringify(value));
  return { dtype: 'uint8', shape: [data.length], data };
};
const progressIn = (state: State) =>
  JSON.parse(new TextDecoder().decode(state['training/progress']?.data as Uint8Array));

describe('a state that does not fit the trainer', () => {
  it('is an error that names all that differs', async () => {
    const state = await stateAfter(sgd());
    const { [`${momentum}0.bias`]: bias, [`${momentum}2.bias`]: last, ...rest } = state;
    const other = {
      ...rest,
      [`${momentum}0.weight`]: { ...last },
      [`${momentum}head.bias`]: bias as FileTensor,
    } as State;
    expect(await refusal(trainerOf(sgd()), other)).toBe(
      'loadState: the state does not fit the trainer: it lacks training/optimizer/momentum/0.bias, ' +
        'training/optimizer/momentum/2.bias; it has also training/optimizer/momentum/head.bias; ' +
        'training/optimizer/momentum/0.weight is float32[3], not float32[4,6]',
    );
    const trainer = trainerOf(sgd());
    const report = await trainer.loadState(other, { strict: false });
    expect(report).toMatchObject({
      missing: [`${momentum}0.bias`, `${momentum}2.bias`],
      unexpected: [`${momentum}head.bias`],
      misshapen: [{ name: `${momentum}0.weight`, expected: 'float32[4,6]', found: 'float32[3]' }],
    });
    const loaded = await trainer.state();
    expect(loaded[`${momentum}2.weight`]).toEqual(state[`${momentum}2.weight`]);
    expect(loaded[`${momentum}2.bias`]?.data).toEqual(new Float32Array(3));
    expect(trainer.steps).toBe(2);
  });

  it('is told to be of another optimiser', async () => {
    const state = await stateAfter(optim.adam());
    expect(await refusal(trainerOf(sgd()), state)).toBe(
      'loadState: the state is of another optimiser: optimizer: adam in the state, sgd given. What you mean to ' +
        "change can be named in allow, as 'optimizer'",
    );
    const trainer = trainerOf(optim.adamW({ weightDecay: 0 }));
    const report = await trainer.loadState(state, { allow: ['optimizer'] });
    expect(report).toEqual({
      ...fits,
      settings: [{ name: 'optimizer', text: 'optimizer: adam in the state, adamW given' }],
    });
    expect((await trainer.state())['training/optimizer/mean/0.weight']).toEqual(
      state['training/optimizer/mean/0.weight'],
    );
  });

  it('may be meant to go on with other settings', async () => {
    const state = await stateAfter(sgd());
    const changed = () => trainerOf(sgd({ lr: optim.cosineLR({ lr: 0.2, steps: 9 }), nesterov: true }));
    expect(await refusal(changed(), state)).toBe(
      'loadState: the state does not fit the trainer: optimizer.nesterov: false in the state, true given; ' +
        'optimizer.lr: 0.1 in the state, cosineLR given. What you mean to change can be named in allow, as ' +
        "'optimizer.nesterov' and 'optimizer.lr'",
    );
    expect(await refusal(changed(), state, { allow: ['optimizer.lr'] })).toMatch(
      /nesterov: false in the state/,
    );
    const { settings, ...rest } = await changed().loadState(state, {
      allow: ['optimizer.lr', 'optimizer.nesterov'],
    });
    expect({ ...rest, settings: [] }).toEqual(fits);
    expect(settings.map(({ name }) => name)).toEqual(['optimizer.nesterov', 'optimizer.lr']);
    expect(await refusal(changed(), state, { allow: ['optimizer.nestrov'] })).toBe(
      'loadState: allow: nothing is called optimizer.nestrov; did you mean optimizer.nesterov?',
    );
  });

  it('begins other schedules anew, and says so', async () => {
    const plateau = () => optim.reduceOnPlateau({ lr: 0.1 });
    const state = await stateAfter(sgd({ lr: plateau() }));
    const trainer = trainerOf(sgd());
    const { hints } = await trainer.loadState(state, { allow: ['optimizer.lr'] });
    expect(hints).toEqual(['the schedules are others than those of the state, and begin anew']);
    const broken = text({ ...progressIn(state), schedules: [{ rate: 'high' }] });
    expect(
      await refusal(trainerOf(sgd({ lr: plateau() })), { ...state, 'training/progress': broken }),
    ).toMatch(/^loadState: the states of the schedules do not fit: /);
  });

  it('counts steps anew, where another number of them is accumulated', async () => {
    const state = await stateAfter(sgd({ accumulate: 2 }));
    const trainer = trainerOf(sgd());
    const more = { strict: false, allow: ['optimizer.accumulate'] };
    const { hints } = await trainer.loadState(state, more);
    expect(hints).toEqual([
      'accumulate differs: steps are counted anew from the updates, and begin with an update',
    ]);
    expect(trainer.steps).toBe(1);
  });

  it('must be one', async () => {
    const trainer = trainerOf(sgd());
    const { 'training/progress': progress, ...tensors } = await stateAfter(sgd());
    expect(await refusal(trainer, tensors)).toBe(
      'loadState: the state does not fit the trainer: it lacks training/progress',
    );
    expect(await refusal(trainer, await trainer.model.state())).toBe(
      'loadState: the state is none of a trainer, whose names begin with training/',
    );
    const run = { ...tensors, 'training/losses': progress as FileTensor };
    expect(await refusal(trainer, run)).toMatch(/fit resumes a run by its option checkpoint/);
    const [name, tensor] = Object.entries(tensors)[0] as [string, FileTensor];
    const short = { ...tensor, data: new Float32Array(1) } as FileTensor;
    expect(await refusal(trainer, { ...tensors, [name]: short } as State)).toMatch(
      /^loadState: training\/optimizer\/momentum\/0.weight: float32 \[4,6\] takes 96 bytes, got 4$/,
    );
    await expect(trainer.loadState({}, { order: ['a'] })).rejects.toThrow(
      "loadState: order is for states of PyTorch: pass layout: 'pytorch' with it",
    );
    await expect(trainer.loadState(1 as never)).rejects.toThrow(
      'loadState: state must be what trainer.state() gives, or the state of a PyTorch optimiser, got 1',
    );
    await expect(trainer.state({ layout: 'torch' as never })).rejects.toThrow(
      "state: layout must be 'chainrule' or 'pytorch'",
    );
  });

  it('is converted by cast alone', async () => {
    const state = await stateAfter(sgd());
    const wide = Object.fromEntries(
      Object.entries(state).map(([name, { dtype, shape, data }]): [string, FileTensor] =>
        dtype === 'float32'
          ? [name, { dtype: 'float64', shape, data: Float64Array.from(data as Float32Array) }]
          : [name, { dtype, shape, data } as FileTensor],
      ),
    );
    const trainer = trainerOf(sgd());
    expect(await refusal(trainer, wide)).toMatch(
      /pass cast: true to convert what differs in its dtype alone/,
    );
    expect(await trainer.loadState(wide, { cast: true })).toEqual(fits);
    expect(await trainer.state()).toEqual(state);
  });

  it('has other names by prefix and rename', async () => {
    const body = mlp(6, 3, 4);
    const state = await stateAfter(sgd(), new nn.Sequential(body));
    const trainer = trainerOf(sgd());
    expect(await refusal(trainer, state)).toMatch(/it lacks training\/optimizer\/momentum\/0.weight/);
    expect(await trainer.loadState(state, { prefix: '0.' })).toEqual(fits);
    const other = trainerOf(sgd());
    await other.loadState(state, { rename: (name) => name.slice(2) });
    expect(await other.state()).toEqual(await trainer.state());
  });
});

describe('the progress in a state', () => {
  const cases: Readonly<Record<string, [change: object, message: RegExp]>> = {
    format: [{ format: 2 }, /progress.format must be an integer from 1 to 1, got 2/],
    steps: [{ steps: -1 }, /progress.steps must be a non-negative integer, got -1/],
    'the tally': [
      { updates: { missed: 3, contributed: 0 } },
      /missed must be at most the updates of 2 steps, got 3/,
    ],
    history: [{ epochs: 0 }, /progress.history\[0\].epoch must be from 1 to 0, got 1/],
    schedules: [{ schedules: [null, null] }, /the states of the schedules do not fit/],
    settings: [{ optimizer: [] }, /progress.optimizer must be an object/],
    'an unknown field': [{ more: 1 }, /unknown option training\/progress.more/],
  };

  it.each(Object.entries(cases))('is checked: %s', async (_, [change, message]) => {
    const state = await stateAfter(sgd());
    const broken = { ...state, 'training/progress': text({ ...progressIn(state), ...change }) };
    expect(await refusal(trainerOf(sgd()), broken)).toMatch(message);
  });

  it('must be JSON in bytes', async () => {
    const state = await stateAfter(sgd());
    const { data } = state['training/progress'] as FileTensor;
    const short: FileTensor = { dtype: 'uint8', shape: [9], data: (data as Uint8Array).slice(0, 9) };
    expect(await refusal(trainerOf(sgd()), { ...state, 'training/progress': short })).toMatch(
      /^loadState: training\/progress cannot be read: /,
    );
    const wide: FileTensor = { dtype: 'int32', shape: [1], data: new Int32Array(1) };
    expect(await refusal(trainerOf(sgd()), { ...state, 'training/progress': wide })).toBe(
      'loadState: training/progress must be uint8, got int32',
    );
  });
});
