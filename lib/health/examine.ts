import { tensor } from '../graph/arguments/kinds.js';
import { at } from '../graph/at.js';
import type { TypedArray } from '../graph/dtype.js';
import { zeros } from '../graph/leaf.js';
import type { Shape } from '../graph/shapes.js';
import { partsOf } from '../graph/structure.js';
import type { Tensor } from '../graph/tensor.js';
import type { BatchFunction } from '../nn/losses/batch-loss.js';
import type { AnyModule } from '../nn/module.js';
import type { Parameter } from '../nn/parameter.js';
import { cast } from '../ops/primitives/elementwise.js';
import type { RandomState } from '../runtime/executable.js';
import { GraphRun } from '../runtime/graph-run.js';
import { allFinite, findNonFinite } from '../runtime/non-finite.js';
import { findingsOf, type HealthThresholds } from './findings.js';
import { energy, layerMeasures, parameterMeasures, reluMeasures } from './measures.js';
import type { HealthReport, LayerHealth, ParameterHealth, ReluHealth } from './report.js';
import { type LoadedBatch, type ModelTrace, type TracedLayer, traceModel } from './trace-batch.js';

/** Returns the next values of parameters for their gradients; omitted parameters are not updated. */
export type NextValues = (
  parameters: readonly Parameter[],
  gradients: readonly Tensor[],
) => ReadonlyMap<Tensor, Tensor>;

/** Options of an examination. */
export interface Examination {
  readonly next: NextValues;
  readonly thresholds: HealthThresholds;
  readonly random: RandomState;
}

/** Nodes of scalars, by name. */
type Measures = Readonly<Record<string, Tensor>>;
/** Values of measures. */
type Values<M> = { readonly [K in keyof M]: number };

/** Traces the model on a batch, computes all figures in one run, and derives the findings. */
export async function examine(
  model: AnyModule,
  loss: BatchFunction,
  batch: LoadedBatch,
  { next, thresholds, random }: Examination,
): Promise<HealthReport> {
  const trace = traceModel(model, loss, batch);
  const parameters = trace.parameters.map(([, parameter]) => parameter);
  const nextValues = next(parameters, trace.gradients);
  const values = await compute(
    {
      total: [{ loss: cast(trace.loss, 'float64') }],
      layers: trace.layers.map((layer) =>
        layerMeasures(layer.output, layer.gradient ?? zerosLike(layer.output)),
      ),
      relus: trace.relus.map(({ output }) => reluMeasures(output)),
      parameters: parameters.map((x, i) => parameterMeasures(x, at(trace.gradients, i), nextValues.get(x))),
      assigned: trace.assigned.map((value) => ({ energy: energy(value) })),
    },
    random,
  );
  const norms = values.layers.map(({ gradientEnergy }) => Math.sqrt(gradientEnergy));
  const last = norms[trace.layers.findLastIndex(({ gradient }) => gradient)] ?? Number.NaN;
  const energies = [...values.layers, ...values.parameters].flatMap((found) => [
    found.energy,
    found.gradientEnergy,
  ]);
  const assigned = values.assigned.map(({ energy }) => energy);
  const finite = [values.total[0]?.loss, ...energies, ...assigned].every(Number.isFinite);
  const { count, first } = finite ? allFinite : await findNonFinite(rootsOf(trace), trace.origin, { random });
  const figures = {
    loss: values.total[0]?.loss ?? Number.NaN,
    layers: pairs(trace.layers, values.layers).map(([layer, found]) =>
      layerHealth(layer, found, last, count(layer.output)),
    ),
    relus: pairs(trace.relus, values.relus).map(([{ path, output }, { zeros, dead }]): ReluHealth => {
      return { path, units: output.shape.at(-1) ?? 1, zeros, dead };
    }),
    parameters: pairs(trace.parameters, values.parameters).map(([[path, parameter], found], i) => {
      const nonFinite = { values: count(parameter), gradient: count(at(trace.gradients, i)) };
      return {
        ...parameterHealth(path, parameter.shape, found, nonFinite),
        untrained: trace.untrained.has(parameter),
      };
    }),
    firstNonFinite: first,
  };
  const rows = partsOf(batch.inputs, tensor)[0]?.[1].shape[0] ?? 0;
  return { ...figures, findings: findingsOf(figures, rows, thresholds) };
}

function zerosLike({ shape, dtype }: Tensor): Tensor {
  return zeros(shape, dtype);
}

function pairs<A, B>(a: readonly A[], b: readonly B[]): [A, B][] {
  return a.map((item, i) => [item, at(b, i)]);
}

/** Computes groups of measures in one plan. */
async function compute<G extends Readonly<Record<string, readonly object[]>>>(
  groups: G,
  random: RandomState,
): Promise<{ readonly [K in keyof G]: readonly Values<G[K][number]>[] }> {
  const nodes = Object.values(groups).flatMap((list) =>
    list.flatMap((measures) => Object.values(measures as Measures)),
  );
  const run = new GraphRun([], nodes, random);
  try {
    const found = (await run.run([])).map((value: TypedArray) => at(value, 0)).values();
    const read = (measures: object) =>
      Object.fromEntries(Object.keys(measures).map((name) => [name, found.next().value as number]));
    const results = Object.entries(groups).map(([name, list]) => [name, list.map(read)]);
    return Object.fromEntries(results) as { [K in keyof G]: Values<G[K][number]>[] };
  } finally {
    run.release();
  }
}

function layerHealth(
  { path, type, output, gradient }: TracedLayer,
  { mean, energy, zeros, gradientEnergy }: Values<ReturnType<typeof layerMeasures>>,
  last: number,
  nonFinite: number,
): LayerHealth {
  const square = energy / output.size;
  const gradientNorm = Math.sqrt(gradientEnergy);
  return {
    path,
    type,
    shape: output.shape,
    mean,
    std: Math.sqrt(Math.max(0, square - mean * mean)),
    rms: Math.sqrt(square),
    zeros,
    nonFinite,
    gradientNorm,
    // Equal norms have a ratio of 1, even if both are 0 or infinite.
    gradientRatio: !gradient ? null : gradientNorm === last ? 1 : gradientNorm / last,
  };
}

function parameterHealth(
  path: string,
  shape: Shape,
  { energy, gradientEnergy, update }: Values<ReturnType<typeof parameterMeasures>>,
  nonFinite: ParameterHealth['nonFinite'],
): Omit<ParameterHealth, 'untrained'> {
  const norm = Math.sqrt(energy);
  return {
    path,
    shape,
    norm,
    gradientNorm: Math.sqrt(gradientEnergy),
    updateRatio: update === undefined || norm === 0 ? null : Math.sqrt(update) / norm,
    nonFinite,
  };
}

/** What training may not make non-finite comes first. */
function rootsOf({ loss, gradients, assigned, layers }: ModelTrace): Tensor[] {
  const ofLayers = layers.flatMap(({ output, gradient }) => (gradient ? [output, gradient] : [output]));
  return [loss, ...gradients, ...assigned, ...ofLayers];
}
