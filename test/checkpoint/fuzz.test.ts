import { join } from 'node:path';
import { io, nn, optim, Trainer } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { writeCheckpoint } from '#lib/checkpoint/file.js';
import { decodeState } from '#lib/checkpoint/state.js';
import type { DType, TensorData } from '#lib/graph/dtype.js';
import { ChainruleError, messageOf } from '#lib/graph/errors.js';
import { useFolder } from '../helpers/folder.js';
import { LONG } from '../helpers/long.js';
import { hashOf } from '../helpers/programs/resumable-run.mjs';
import { collect, mlp, points } from '../helpers/training.js';

const folder = useFolder();
const samples = points(60);
const NAME = 'step-000000004.safetensors';

const plateau = () => optim.reduceOnPlateau({ lr: 0.01, patience: 0 });
const newTrainer = () => {
  const optimizer = optim.adam({
    lr: optim.warmup(plateau(), { steps: 2 }),
    average: 0.9,
    groups: [{ match: /bias/, lr: 0.02 }],
  });
  const trainer = new Trainer(mlp(), { loss: nn.crossEntropy, optimizer, workers: 1, shards: 2, seed: 1 });
  return { trainer, optimizer };
};

const EPOCHS = 3;
const options = (dir: string, everySteps = 1_000_000) => ({
  epochs: EPOCHS,
  batchSize: 20,
  checkpoint: { dir, everySteps, keep: 99 },
});

/** A checkpoint within the second epoch, as its tensors and the JSON of its state. */
async function within() {
  const dir = folder();
  await collect(newTrainer().trainer.fit(samples, options(dir, 4)));
  const { tensors, metadata } = await io.readSafetensors(join(dir, NAME));
  return { tensors, state: metadata.state as string };
}
type Saved = Awaited<ReturnType<typeof within>>;

/** Writes a checkpoint with another state, or with other tensors, and the checksum that they have. */
async function write(dir: string, { tensors, state }: Saved) {
  const sources = Object.entries(tensors).map(([name, { dtype, shape, data }]) => {
    const buffer = new SharedArrayBuffer(data.byteLength);
    new Uint8Array(buffer).set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    return { name, dtype: dtype as DType, shape, buffer, byteOffset: 0 };
  });
  await writeCheckpoint(join(dir, NAME), sources, state);
}

/** The error with which a run refuses a checkpoint; undefined if it goes on from it. Nothing may change in the former. */
async function refusalOf(saved: Saved): Promise<ChainruleError | undefined> {
  const dir = folder();
  await write(dir, saved);
  const { trainer, optimizer } = newTrainer();
  const before = [hashOf(trainer.model), trainer.steps, trainer.history, optimizer.scheduleStates()];
  try {
    await collect(trainer.fit(samples, options(dir)));
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(ChainruleError);
    const after = [hashOf(trainer.model), trainer.steps, trainer.history, optimizer.scheduleStates()];
    expect(after).toEqual(before);
    expect((error as ChainruleError).message).toContain(NAME);
    return error as ChainruleError;
  }
}

/** All places in a JSON value: the fields of objects and the elements of arrays. */
function placesIn(value: unknown, path: (string | number)[] = []): (string | number)[][] {
  if (typeof value !== 'object' || value === null) return [path];
  const inner = Object.entries(value).flatMap(([key, part]) =>
    placesIn(part, [...path, Array.isArray(value) ? Number(key) : key]),
  );
  return path.length === 0 ? inner : [path, ...inner];
}

/** JSON with another value at a place; undefined removes it. */
function withValue(json: string, path: readonly (string | number)[], value: unknown): string {
  const root = JSON.parse(json);
  const last = path.at(-1) as string;
  const holder = path.slice(0, -1).reduce((at, key) => at[key], root);
  if (value === undefined && Array.isArray(holder)) holder.splice(Number(last), 1);
  else if (value === undefined) delete holder[last];
  else holder[last] = value;
  return JSON.stringify(root);
}

const hostile: readonly unknown[] = [
  undefined,
  null,
  -5,
  0.5,
  1e308,
  2 ** 53,
  'number:NaN',
  'number:Infinity',
  '3',
  '',
  true,
  {},
  [],
  [[]],
  { __proto__: null, length: 3 },
  JSON.parse('{"__proto__":{"step":1}}'),
  Array(1000).fill(7),
];

/** Texts for messages, beside the digests that are compared. */
const shown = /^settings\..*\.(of|text)$/;

/** Fields whose every number is as good as any other: times that were measured, and figures that were computed. */
const free = new RegExp(
  '^(chainrule|progress[.](epochSeconds|epochSkippedItems|updates[.]contributed' +
    '|schedules[.].*[.](rate|best|bad|cooling)' +
    '|history[.][0-9]+[.](loss|seconds|examplesPerSecond|skippedSteps|skippedItems)))$',
);

/** True if the state alone is refused, as most are, before anything of the run is looked at. */
function isRefused(state: string): boolean {
  try {
    decodeState(NAME, state);
    return false;
  } catch (error) {
    expect(error).toBeInstanceOf(ChainruleError);
    expect(messageOf(error)).toContain(`${NAME}: `);
    return true;
  }
}

describe('a checkpoint with a right checksum', () => {
  it('and a field of its state that no run writes is refused, and nothing is changed', async () => {
    const saved = await within();
    expect(await refusalOf(saved)).toBeUndefined();
    let resumed = 0;
    for (const path of placesIn(JSON.parse(saved.state))) {
      const name = path.join('.');
      for (const value of hostile) {
        const state = withValue(saved.state, path, value);
        if (state === saved.state || shown.test(name) || isRefused(state)) continue;
        // Those that differ from the run in their settings in one way stand for all ways.
        if (name.startsWith('settings') && value !== undefined && value !== -5) continue;
        const isNumber = typeof value === 'number' || String(JSON.stringify(value)).startsWith('"number:');
        if (name === 'chainrule' || (isNumber && free.test(name))) continue;
        // Each takes a resume; the sample has one of ten.
        if (!LONG && resumed++ % 10 > 0) continue;
        expect(await refusalOf({ ...saved, state }), `${name} = ${JSON.stringify(value)}`).toBeDefined();
      }
    }
  });

  it('and tensors that no run writes is refused, and nothing is changed', async () => {
    const saved = await within();
    const changed = (name: string, change: (tensor: TensorData) => TensorData | undefined) => {
      const tensors = { ...saved.tensors };
      const next = change(structuredClone(tensors[name] as TensorData));
      if (next) tensors[name] = next;
      else delete tensors[name];
      return refusalOf({ ...saved, tensors });
    };
    const filled = (value: number) => (tensor: TensorData) => ({ ...tensor, data: tensor.data.fill(value) });
    for (const name of ['0.weight', 'training/optimizer/mean/0.weight', 'training/average/2.bias']) {
      expect(await changed(name, filled(Number.NaN)), name).toMatchObject({
        code: 'ERR_CHAINRULE_NON_FINITE',
      });
      expect(await changed(name, () => undefined), name).toBeDefined();
    }
    // The loss of the one step of the second epoch.
    expect(await changed('training/losses', filled(Number.POSITIVE_INFINITY))).toBeDefined();
    expect(await changed('training/losses', () => undefined)).toBeDefined();
    const two = { dtype: 'float64', shape: [2], data: Float64Array.of(1, 2) } as const;
    expect((await changed('training/losses', () => two))?.message).toContain(
      'training/losses must be float64[1]',
    );
    // A skipped step has none.
    expect(await changed('training/losses', filled(Number.NaN))).toBeUndefined();
  });
});
