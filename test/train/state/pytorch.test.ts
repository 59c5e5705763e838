import { describe, expect, it } from 'vitest';
import type { FileTensor } from '#lib/io/file-dtypes.js';
import { expectClose } from '../../helpers/close.js';
import { decode, type Recorded } from '../../helpers/fixtures.js';
import { useFolder } from '../../helpers/folder.js';
import { collect } from '../../helpers/training.js';
import type { RecordedValues } from '../../io/recorded-files.js';
import {
  fitOptions,
  fits,
  optimizerOf,
  parameters,
  readRecorded,
  recorded,
  resumptionOf,
  STEPS,
  samples,
  torch,
  trainerOf,
} from './recorded.js';

const folder = useFolder();
const tolerances = { float32: 1e-6, float64: 1e-12 };
const cases = Object.keys(recorded).flatMap((name) =>
  (['float32', 'float64'] as const).map((dtype) => ({ name, dtype, frozen: name === 'adam frozen' })),
);
const isVector = (path: string) => /^norm\.|bias$/.test(path);
const groups = [parameters.filter((path) => !isVector(path)), parameters.filter(isVector)];

/** What the state of a case does not tell. */
function orderOf(name: string, model: Readonly<Record<string, FileTensor>>) {
  if (name === 'adam frozen') return {};
  if (name === 'sgd dampening') return { order: model, updates: STEPS };
  return { order: name === 'adamW groups' ? groups : model };
}

function expectSame(name: string, found: FileTensor | undefined, values: RecordedValues, relative: number) {
  const wanted = decode(values as Recorded);
  // As a share of the largest, since the elements of a tensor round alike.
  const floor = Math.max(...wanted.map(Math.abs), 1e-30);
  expectClose(name, found?.data as Float32Array, wanted, { relative, floor });
}

describe(`an optimiser of PyTorch ${torch}`, () => {
  it.each(cases)('goes on as there: $name in $dtype', async ({ name, dtype, frozen }) => {
    const saved = await readRecorded(folder(), name, dtype);
    const { trainer, model } = await trainerOf(saved, optimizerOf(name), { dtype, frozen });
    const order = orderOf(name, saved.model_state_dict);
    const report = await trainer.loadState(saved.optimizer_state_dict, { layout: 'pytorch', ...order });
    expect(report).toEqual(fits);
    expect(trainer.steps).toBe(name === 'sgd' ? 0 : STEPS);
    await collect(trainer.fit(samples(), fitOptions));
    const { after, slots } = resumptionOf(name, dtype);
    const state = await model.state({ layout: 'pytorch' });
    expect(Object.keys(state).sort()).toEqual(Object.keys(after).sort());
    for (const [path, values] of Object.entries(after))
      expectSame(path, state[path], values, tolerances[dtype]);
    const written = await trainer.state({ layout: 'pytorch' });
    const ours = written.param_groups.flatMap((group) => group.param_names);
    const theirs = name === 'adamW groups' ? groups.flat() : parameters;
    const count = Object.values(written.state).flatMap((kept) => Object.keys(kept)).length;
    expect(count).toBe(Object.keys(slots).length);
    for (const [key, values] of Object.entries(slots)) {
      const [index, slot] = key.split('.') as [string, string];
      const found = written.state[ours.indexOf(theirs[Number(index)] as string)]?.[slot];
      expect(found, key).toMatchObject({ dtype: values.dtype, shape: values.shape });
      expectSame(key, found, values, 4 * tolerances[dtype]);
    }
  });

  it.each(Object.keys(recorded))('goes back as it came, bit by bit: %s', async (name) => {
    const saved = await readRecorded(folder(), name);
    const { state, param_groups: theirs } = saved.optimizer_state_dict;
    const optimizer = optimizerOf(name);
    const { trainer } = await trainerOf(saved, optimizer, { frozen: name === 'adam frozen' });
    const order = orderOf(name, saved.model_state_dict);
    await trainer.loadState(saved.optimizer_state_dict, { layout: 'pytorch', ...order });
    const written = await trainer.state({ layout: 'pytorch' });
    // Our group of vectors comes first.
    const moved = [2, 3, 4, 0, 1];
    const placeOf = (index: number) => (name === 'adamW groups' ? moved.indexOf(index) : index);
    expect(written.state).toEqual(
      Object.fromEntries([...state].map(([index, kept]) => [placeOf(index), { ...kept }])),
    );
    const ours = name === 'adamW groups' ? written.param_groups.toReversed() : written.param_groups;
    ours.forEach(({ params, param_names: names, ...settings }, i) => {
      expect(theirs[i]).toMatchObject(settings);
      expect(names.length).toBe(params.length);
    });
    const again = await trainerOf(saved, optimizerOf(name), { frozen: name === 'adam frozen' });
    const updates = 'updates' in order ? { updates: STEPS } : {};
    expect(await again.trainer.loadState(written, { layout: 'pytorch', ...updates })).toEqual(fits);
    expect(await again.trainer.state({ layout: 'pytorch' })).toEqual(written);
  });
});
