import { unknownName } from '../graph/arguments/options.js';
import { at } from '../graph/at.js';
import { figuresOf } from './figures.js';
import { type Scale, type ScaledModel, scaledModels } from './models/scaled.js';
import { median } from './statistics.js';
import { prepare } from './subject.js';

/** A model of one size, compared with the base. */
export interface ScaleResult {
  readonly case: string;
  /** The doubled dimensions; 'base' for none. */
  readonly doubled: string;
  readonly model: string;
  readonly batch: number;
  readonly flops: number;
  readonly medianMs: number;
  readonly gflopsPerSecond: number;
  /** Time per operation, relative to the base: the median over the pairs of neighbouring rounds. */
  readonly timePerFlop: number;
}

const base: Scale = { width: 1, depth: 1, batch: 1 };

const scales: Readonly<Record<string, Scale>> = {
  base,
  width: { ...base, width: 2 },
  depth: { ...base, depth: 2 },
  batch: { ...base, batch: 2 },
  'width, depth and batch': { width: 2, depth: 2, batch: 2 },
};

/** Times the training step of models whose width, depth and batch are doubled, one at a time and together. */
export async function* runScaleBench(
  cases: readonly string[],
  workers: number,
  rounds = 9,
): AsyncGenerator<ScaleResult> {
  const names = Object.keys(scaledModels);
  const unknown = cases.find((name) => !names.includes(name));
  if (unknown) throw unknownName('bench scale', 'model', unknown, names);
  for (const [name, model] of Object.entries(scaledModels)) {
    if (cases.length === 0 || cases.includes(name)) yield* await compare(model, workers, rounds);
  }
}

async function compare(model: ScaledModel, workers: number, rounds: number): Promise<ScaleResult[]> {
  const sizes = Object.entries(scales).map(([doubled, scale]) => ({ doubled, scenario: model(scale) }));
  const flops = sizes.map(({ scenario }) => figuresOf(scenario, workers).flops);
  const subjects = [];
  for (const { scenario } of sizes) subjects.push(await prepare(scenario, workers));
  const times: number[][] = sizes.map(() => []);
  try {
    for (let i = 0; i < rounds; i++) {
      for (const [s, subject] of subjects.entries()) times[s]?.push(await subject.round());
    }
  } finally {
    for (const subject of subjects) await subject.close();
  }
  const perFlop = times.map((own, s) => own.map((time) => time / at(flops, s)));
  return sizes.map(({ doubled, scenario: { name, title, batchSize } }, s) => {
    const medianMs = median(at(times, s));
    const relative = at(perFlop, s).map((time, i) => time / at(at(perFlop, 0), i));
    return {
      case: name,
      doubled,
      model: title,
      batch: batchSize,
      flops: at(flops, s),
      medianMs,
      gflopsPerSecond: at(flops, s) / medianMs / 1e6,
      timePerFlop: median(relative),
    };
  });
}
