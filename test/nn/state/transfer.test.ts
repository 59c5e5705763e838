import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { io } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { type CaseName, smallCases } from '#bench/transfer/cases.js';
import { fineTune, logitsOf } from '#bench/transfer/run.js';
import type { State } from '#lib/nn/state/stored-state.js';
import { expectClose } from '../../helpers/close.js';
import { decode, type Recorded, readFixture } from '../../helpers/fixtures.js';
import { useFolder } from '../../helpers/folder.js';

interface Recording {
  /** Base64 of a state dict, as the case's suffix says. */
  readonly file: string;
  readonly logits: Recorded;
  /** In float64. */
  readonly losses: readonly number[];
  /** All floats of the state dict after the last step in float64, rounded to float32. */
  readonly after: Recorded;
}

const { cases, torch } = readFixture<{ torch: string; cases: Record<CaseName, Recording> }>(
  'models_and_arrays/transfer',
);
const folder = useFolder();
const fits = { missing: [], unexpected: [], misshapen: [], hints: [] };

/** Writes the state dict of a recording, and reads its tensors of floats. */
async function stored(name: CaseName) {
  const path = join(folder(), `${name}.${smallCases[name].suffix}`);
  writeFileSync(path, Buffer.from(cases[name].file, 'base64'));
  const isTorch = path.endsWith('.pt');
  const tensors = isTorch ? await io.readTorch(path) : (await io.readSafetensors(path)).tensors;
  const floats = Object.entries(tensors as State).filter(([, { dtype }]) => dtype === 'float32');
  return { path, floats };
}

describe.each(Object.keys(smallCases) as CaseName[])(`a model of PyTorch ${torch}: %s`, (name) => {
  const { [name]: of } = smallCases;
  const { logits, losses, after } = cases[name];

  it('goes back as it came, bit by bit', async () => {
    const { path, floats } = await stored(name);
    const model = of.model();
    expect(await model.load(path, { layout: 'pytorch' })).toEqual(fits);
    const back = join(folder(), 'back.safetensors');
    await model.save(back, { layout: 'pytorch' });
    const { tensors } = await io.readSafetensors(back);
    expect(Object.keys(tensors).sort()).toEqual(floats.map(([path]) => path).sort());
    for (const [path, { shape, data }] of floats) expect(tensors[path], path).toMatchObject({ shape, data });
  });

  it('answers and is fine-tuned as there, in float64', async () => {
    const { path, floats } = await stored(name);
    const model = of.model('float64');
    await model.load(path, { layout: 'pytorch' });
    expectClose('logits', await logitsOf(model, of), decode(logits), { relative: 1e-6 });
    expectClose('losses', await fineTune(model, of), losses, { relative: 1e-10 });
    const tuned = await model.state({ layout: 'pytorch' });
    const found = floats.flatMap(([path]) => Array.from(tuned[path]?.data ?? [], Number));
    expectClose('weights', found, decode(after), { relative: 1e-6 });
  });

  it('answers and is fine-tuned as there, in float32', async () => {
    const { path } = await stored(name);
    const model = of.model();
    await model.load(path, { layout: 'pytorch' });
    expectClose('logits', await logitsOf(model, of), decode(logits), { relative: 1e-5 });
    expectClose('losses', await fineTune(model, of), losses, { relative: 1e-5 });
  });
});
