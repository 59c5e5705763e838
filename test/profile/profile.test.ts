import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { formatProfile, nn, optim, type Profile, type Tensor, Trainer, type Work } from 'chainrule';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { profile as profileFile } from '#lib/cli/profile.js';
import { program } from '../helpers/command-line.js';
import { collect, images, mlp, Net, parametersOf, points, stepLosses } from '../helpers/training.js';
import { writeTrainingModule } from '../helpers/training-module.js';

const run = promisify(execFile);

const trainerOf = (model: nn.Module, workers = 2, optimizer = optim.adam()) =>
  new Trainer(model, { loss: nn.crossEntropy, optimizer, workers, shards: workers, seed: 1 });

const total = (list: readonly Work[]) => list.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
const spans = ({ trace }: Profile, tid: number, cat?: string) =>
  trace.traceEvents.filter(
    (event) => event.ph === 'X' && event.tid === tid && (cat === undefined || event.cat === cat),
  );

type Facts = Pick<Profile['slowest'][number], 'layer' | 'part' | 'shapes' | 'calls'>;

/** The steps of all plans, each once: the profile lists only the slowest of them. */
const stepsOf = ({ trace }: Profile) => {
  const steps = trace.traceEvents.filter(({ args }) => 'shapes' in args);
  const facts = steps.map(({ name, args }) => ({ op: name, ...(args as unknown as Facts) }));
  return [
    ...new Map(facts.map((step) => [[step.op, step.layer, step.part, step.shapes].join(), step])).values(),
  ];
};

describe('a profile', () => {
  let profile: Profile;
  beforeAll(async () => {
    profile = await trainerOf(new Net()).profile(images(40), { steps: 4, batchSize: 16 });
  });

  it('adds up to the wall-clock time of a step', () => {
    const { parts, milliseconds, ops, layers, slowest } = profile;
    expect(sum(Object.values(parts)) / milliseconds).toBeCloseTo(1, 9);
    const kernels = parts.forward + parts.backward + parts.update;
    expect(total(ops) / kernels).toBeCloseTo(1, 9);
    expect(total(layers) / kernels).toBeCloseTo(1, 9);
    expect(total(slowest)).toBeLessThanOrEqual(kernels * (1 + 1e-9));
    expect(Math.min(...Object.values(parts))).toBeGreaterThanOrEqual(0);
    expect(profile).toMatchObject({ workers: 2, steps: 4, batchSize: 16 });
    expect(profile.examplesPerSecond).toBeCloseTo((1000 * 16) / milliseconds, 6);
  });

  it('tells the layers apart, and forward from backward', () => {
    const layers = new Map(profile.layers.map((layer) => [layer.layer, layer]));
    expect([...layers.keys()].sort()).toEqual(['(loss)', '(model)', '(update)', 'conv', 'drop', 'fc']);
    for (const name of ['conv', 'fc', '(model)', '(loss)']) {
      expect(layers.get(name)?.forwardMilliseconds).toBeGreaterThan(0);
      expect(layers.get(name)?.backwardMilliseconds).toBeGreaterThan(0);
    }
    expect(layers.get('(update)')).toMatchObject({ forwardMilliseconds: 0, backwardMilliseconds: 0 });
    const products = stepsOf(profile).filter(({ op }) => op === 'matmul');
    expect(products.map(({ layer, part }) => `${layer} ${part}`).sort()).toEqual([
      'fc backward',
      'fc backward',
      'fc forward',
    ]);
  });

  it('counts operations and bytes by the definition of an op', () => {
    const forward = stepsOf(profile).find(({ op, part }) => op === 'matmul' && part === 'forward');
    // A worker has 8 of the 16 rows.
    expect(forward).toMatchObject({
      shapes: 'float32[8,64] float32[4,64] -> float32[8,4]',
      calls: 1,
      flops: 2 * 8 * 64 * 4,
      bytes: 4 * (8 * 64 + 4 * 64 + 8 * 4),
    });
    const steps = stepsOf(profile);
    for (const { op, layer, part, shapes } of profile.slowest) {
      expect(steps).toContainEqual(expect.objectContaining({ op, layer, part, shapes }));
    }
    const conv = profile.ops.find(({ op }) => op === 'conv2d');
    expect(conv).toMatchObject({ calls: 1, flops: 2 * 8 * 8 * 8 * 4 * 9 });
    for (const { milliseconds, flops, bytes, ...work } of [...profile.ops, ...profile.slowest]) {
      expect(work.gflopsPerSecond * milliseconds * 1e6).toBeCloseTo(flops, 3);
      expect(work.gigabytesPerSecond * milliseconds * 1e6).toBeCloseTo(bytes, 3);
      expect(work.ofPeak).toBeCloseTo((2 * work.gflopsPerSecond) / profile.peakGflopsPerSecond, 9);
    }
  });

  it('draws a track for each worker: steps, in them phases without gaps, in these kernels', () => {
    for (const rank of [0, 1]) {
      expect(spans(profile, rank, 'step').map(({ name }) => name)).toEqual([
        'step 0',
        'step 1',
        'step 2',
        'step 3',
      ]);
      const phases = spans(profile, rank, 'phase');
      expect(phases.slice(0, 7).map(({ name }) => name)).toEqual([
        'load',
        'gradients',
        // The rows of the next step.
        'load',
        'wait at the barrier',
        'sum shards',
        'update',
        'wait at the barrier',
      ]);
      for (const cat of ['forward', 'backward', 'update']) {
        const kernels = spans(profile, rank, cat);
        expect(kernels.length).toBeGreaterThan(0);
        const parent = cat === 'update' ? 'update' : 'gradients';
        for (const kernel of kernels) {
          expect(phases.filter(({ name }) => name === parent).some((phase) => holds(phase, kernel))).toBe(
            true,
          );
        }
      }
      for (const phase of phases) {
        expect(spans(profile, rank, 'step').some((step) => holds(step, phase))).toBe(true);
      }
    }
    const named = profile.trace.traceEvents.filter(({ ph }) => ph === 'M');
    expect(named.map(({ tid, args }) => [tid, args.name])).toEqual([
      [0, 'worker 0'],
      [1, 'worker 1'],
    ]);
  });

  it('prints as tables, slowest first', () => {
    const text = formatProfile(profile);
    for (const part of ['load', 'forward', 'backward', 'wait', 'sum', 'update', 'overhead']) {
      expect(text).toMatch(new RegExp(`^${part} +[\\d.]+ +[\\d.]+ %$`, 'm'));
    }
    expect(text).toMatch(/^conv2dWeightGrad +conv +backward [-\d. %]+$/m);
    expect(text).toMatch(/^conv2dWeightGrad +float32\S+ float32\S+ -> float32\[3,3,1,4\]$/m);
    expect(
      Math.max(
        ...text
          .split('\n')
          .slice(3)
          .map((line) => line.length),
      ),
    ).toBeLessThanOrEqual(120);
    for (const list of [profile.ops, profile.layers, profile.slowest]) {
      const times = list.map(({ milliseconds }) => milliseconds);
      expect(times).toEqual([...times].sort((a, b) => b - a));
    }
  });

  it('is plain data', () => {
    expect(JSON.parse(JSON.stringify(profile))).toEqual(profile);
  });
});

interface Event {
  readonly ts: number;
  readonly dur: number;
}

/** Times are whole nanoseconds, in microseconds. */
const holds = (outer: Event, inner: Event) =>
  outer.ts <= inner.ts && inner.ts + inner.dur <= outer.ts + outer.dur + 1e-4;

describe('profiling', () => {
  it('leaves the model and the optimiser as they were', async () => {
    const train = async (profiled: boolean) => {
      const model = new nn.Sequential(new nn.Linear(6, 8), new nn.BatchNorm1d(8), new nn.Linear(8, 3));
      const optimizer = optim.adamW({
        clipNorm: 0.1,
        accumulate: 2,
        average: 0.9,
        groups: [{ match: /bias/ }],
      });
      const trainer = trainerOf(model, 2, optimizer);
      const state = () => [
        ...parametersOf(model),
        ...model.namedBuffers().flatMap(([, b]) => [...b.storage.data]),
      ];
      const first = await collect(trainer.fit(points(24), { batchSize: 8 }));
      const before = state();
      if (profiled) await trainer.profile(points(24), { steps: 3, batchSize: 8 });
      expect(state()).toEqual(before);
      expect(trainer.steps).toBe(3);
      const rest = await collect(trainer.fit(points(24), { epochs: 2, batchSize: 8 }));
      return [stepLosses([...first, ...rest]), state(), await trainer.withAverages(state)];
    };
    expect(await train(true)).toEqual(await train(false));
  });

  it('gives the values back where it fails, and the trainer can go on', async () => {
    const model = mlp();
    const trainer = trainerOf(model, 1, optim.sgd({ lr: (step) => (step < 2 ? 0.1 : 1e39) }));
    const before = parametersOf(model);
    await expect(trainer.profile(points(24), { batchSize: 8 })).rejects.toThrow(/must (?:be|stay) finite/);
    expect(parametersOf(model)).toEqual(before);
    expect(await collect(trainer.fit(points(8), { batchSize: 8 }))).toHaveLength(1);
  });

  it('counts a loop by the steps of its body', async () => {
    class Recurrent extends nn.Module {
      rnn = new nn.RNN(6, 5);
      fc = new nn.Linear(5, 3);
      forward(x: Tensor): Tensor {
        const rows = x.shape[0] as number;
        const steps = this.rnn.forward(x.reshape([rows, 1, 6]).expand([rows, 7, 6]));
        return this.fc.forward(steps.mean(1));
      }
    }
    const profile = await trainerOf(new Recurrent(), 1).profile(points(8), { steps: 2, batchSize: 4 });
    const loops = profile.ops.find(({ op }) => op === 'scan');
    expect(loops).toMatchObject({ calls: 2, flops: 0, bytes: 0 });
    const bodies = stepsOf(profile).filter(({ calls }) => calls === 7);
    expect(bodies.map(({ layer }) => layer)).toContain('rnn');
    const { parts } = profile;
    expect(total(profile.ops) / (parts.forward + parts.backward + parts.update)).toBeCloseTo(1, 9);
    const events = spans(profile, 0);
    for (const inner of events.filter(({ args }) => args.calls === 7)) {
      expect(events.some((outer) => outer.name === 'scan' && holds(outer, inner))).toBe(true);
    }
  });

  it('refuses what it cannot take, in its own name', async () => {
    const trainer = trainerOf(mlp(), 1);
    await expect(trainer.profile([] as never)).rejects.toThrow('profile: data must be a Dataset');
    await expect(trainer.profile(points(8), { steps: 0 })).rejects.toThrow(
      'profile: steps must be a positive integer',
    );
    await expect(trainer.profile(points(8), { batchSize: 0 })).rejects.toThrow('profile: batchSize');
    const first = trainer.profile(points(8), { steps: 1 });
    await expect(trainer.profile(points(8))).rejects.toThrow('profile: the trainer is busy');
    await first;
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(trainer.profile(points(8), { signal })).rejects.toThrow('enough');
  });
});

describe('chainrule profile', () => {
  const folder = mkdtempSync(join(tmpdir(), 'profile-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const file = writeTrainingModule(folder);
  afterEach(() => vi.restoreAllMocks());

  it('prints the tables and writes the flame chart', async () => {
    const trace = join(folder, 'trace.json');
    const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    const here = mkdtempSync(join(folder, 'here-'));
    const own = pathToFileURL(resolve('dist/lib/index.js')).href;
    await profileFile(writeTrainingModule(here, undefined, own), { workers: 1, steps: 2, trace });
    const stdout = write.mock.calls.map(([text]) => text).join('');
    expect(stdout).toMatch(/^model.mjs, \w+ kernels: [\d.]+ ms a step .* 2 steps of 4 samples, 1 worker;/);
    expect(stdout).toContain(`flame chart saved to ${trace}`);
    const { traceEvents } = JSON.parse(readFileSync(trace, 'utf8')) as Profile['trace'];
    expect(traceEvents.filter(({ cat }) => cat === 'step')).toHaveLength(2);
  });

  it('prints one line of JSON', async () => {
    const trace = join(folder, 'json-trace.json');
    const options = ['--json', '--batch-size', '5', '--steps', '3', '--workers', '1', '--trace', trace];
    const { stdout } = await run(process.execPath, [program, 'profile', file, ...options]);
    expect(stdout.trim().split('\n')).toHaveLength(1);
    const report = JSON.parse(stdout) as Profile;
    expect(report).toMatchObject({ workers: 1, steps: 3, batchSize: 5 });
    expect(report.layers.map(({ layer }) => layer)).toEqual(
      expect.arrayContaining(['0', '1', '2', '(loss)']),
    );
    expect(report).not.toHaveProperty('trace');
    expect(JSON.parse(readFileSync(trace, 'utf8'))).toHaveProperty('traceEvents');
  });
});
