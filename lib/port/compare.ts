import { checked } from '../graph/arguments/checked.js';
import { either, optional } from '../graph/arguments/kind.js';
import { at } from '../graph/at.js';
import type { TypedArray } from '../graph/dtype.js';
import { formatShape, invalid } from '../graph/errors.js';
import { file, namedTensors } from '../io/kinds.js';
import { isFile } from '../io/random-access.js';
import type { StoredTensor } from '../io/stored-tensor.js';
import { module } from '../nn/kinds.js';
import type { AnyModule } from '../nn/module.js';
import { modulesOf } from '../nn/module-tree.js';
import type { Layout } from '../nn/state/options.js';
import type { LoadReport } from '../nn/state/report.js';
import type { State } from '../nn/state/stored-state.js';
import { evaluate } from '../runtime/evaluate.js';
import { firstNames } from '../text/names.js';
import { type Aligned, align } from './align.js';
import { diagnose, weightsAmiss } from './diagnose.js';
import { APART, defaultTolerance } from './differences.js';
import { gather } from './evidence.js';
import { type CompareOptions, compareOptions } from './options.js';
import { OUTPUT, openRecording, type Recording } from './recording.js';
import type { ComparedLayer, PortComparison } from './report.js';
import { type ModelRun, type NamedCall, runModel } from './run.js';

/**
 * Compares a model with the activations of another one, as a rule the PyTorch model that it was ported from: runs it in
 * inference on the recorded input, and compares the output of each recorded layer, in the order in which they run. For the
 * first that departs, the likely reason is found by computing the layer again with other options, other weights and other
 * neighbours. See docs/transfer.md.
 *
 *     const found = await io.compare(model, 'activations.safetensors', { weights: 'net.safetensors' });
 *     console.log(io.formatComparison(found));
 *
 * @param activations a file of tensors, its bytes, or tensors by name: the model's inputs as `input`, or `input.0` and so on, or
 *   `input.user` for a record; the outputs of layers under their paths, and the model's own as `output`, or `output.rating`
 * @param options.weights are loaded into the model, which keeps them
 * @throws if the model does not take the input, if no layer is recorded, or if the recorded shapes are all others
 */
export const compare = checked(
  'compare',
  { model: module, activations: either(file, namedTensors), options: optional(compareOptions) },
  async (
    model: AnyModule,
    activations: string | Uint8Array | State,
    options: CompareOptions = {},
  ): Promise<PortComparison> => {
    const { weights, layout = 'pytorch', tolerance } = options;
    const loaded = weights === undefined ? undefined : await load(model, weights, layout);
    const recording = await openRecording(activations);
    try {
      const inputs = await Promise.all(recording.inputs.map((input) => input.read()));
      const run = runModel(model, inputs, layout, recording.names);
      return await compareCalls(model, run, recording, { layout, tolerance, loaded });
    } finally {
      await recording.close();
    }
  },
);

/** Loads what fits: what does not is told with the layers that depart by it. */
async function load(
  model: AnyModule,
  weights: string | Uint8Array | State,
  layout: Layout,
): Promise<LoadReport> {
  const options = { layout, strict: false, cast: true };
  return isFile(weights) ? await model.load(weights, options) : await model.loadState(weights, options);
}

interface Settings {
  readonly layout: Layout;
  readonly tolerance: number | undefined;
  readonly loaded: LoadReport | undefined;
}

/** A recorded call, with both values. */
interface Pair {
  readonly call: NamedCall;
  readonly ours: TypedArray;
  readonly recorded: Aligned;
  readonly layer: ComparedLayer;
  readonly tolerance: number;
}

async function compareCalls(
  model: AnyModule,
  run: ModelRun,
  recording: Recording,
  settings: Settings,
): Promise<PortComparison> {
  const { loaded } = settings;
  const recorded = run.calls.filter(({ name }) => recording.outputs.has(name));
  requireRecorded(run, recorded, recording);
  const values = await evaluate(recorded.map(({ output }) => output));
  const pairs: Pair[] = [];
  for (const [i, call] of recorded.entries()) {
    const stored = recording.outputs.get(call.name) as StoredTensor;
    pairs.push(await pairOf(call, at(values, i), stored, run, settings));
  }
  const departing = pairs.find(({ layer }) => layer.departs);
  if (run.failure && !departing) throw run.failure;
  const reason = departing && (await reasonOf(model, run, pairs, departing, loaded));
  if (reason === undefined) requireShapes(pairs);
  const first = departing && explained(departing.layer, reason);
  const called = new Set(run.calls.map(({ name }) => name));
  const paths = new Set([...modulesOf(model).keys(), OUTPUT]);
  const others = [...recording.outputs.keys()].filter((name) => !called.has(name));
  const pathOf = (name: string) => name.replace(/ \(\d+\)$/, '');
  return {
    layers: pairs.map((pair) => (first && pair === departing ? first : pair.layer)),
    ...(first ? { first } : {}),
    missing: others.filter((name) => !paths.has(pathOf(name))),
    uncalled: others.filter((name) => paths.has(pathOf(name))),
    unrecorded: [...called].filter((name) => !recording.outputs.has(name)),
    ...(loaded ? { weights: loaded } : {}),
    ...(run.failure ? { failure: run.failure.message } : {}),
  };
}

async function pairOf(
  call: NamedCall,
  ours: TypedArray,
  stored: StoredTensor,
  { arrangements }: ModelRun,
  settings: Settings,
): Promise<Pair> {
  const { shape, dtype } = call.output;
  const arrangement = settings.layout === 'chainrule' ? 'channelsLast' : arrangements.of(call.output);
  const recorded = align(call.name, await stored.read(), shape, ours, dtype, arrangement);
  const { found = APART } = recorded;
  const tolerance = settings.tolerance ?? defaultTolerance(dtype, stored.dtype);
  const layer = {
    path: call.name,
    type: call.module.constructor.name,
    shape,
    ...(recorded.found ? {} : { recordedShape: recorded.shape }),
    ...found,
    departs: found.relative > tolerance,
  };
  return { call, ours, recorded, layer, tolerance };
}

/** Why the first layer that departs does so, if that can be told. */
async function reasonOf(
  model: AnyModule,
  run: ModelRun,
  pairs: readonly Pair[],
  departing: Pair,
  loaded: LoadReport | undefined,
): Promise<string | undefined> {
  const { call, ours, recorded, layer, tolerance } = departing;
  const earlier = pairs.slice(0, pairs.indexOf(departing));
  const agreeing = new Set([...run.inputs, ...earlier.map((pair) => pair.call.output)]);
  const evidence = await gather(model, call, agreeing, run.inputs, ours, recorded);
  const reason = await diagnose(model, evidence, layer.relative, tolerance);
  return reason ?? (loaded && weightsAmiss(call.path, loaded));
}

function explained(layer: ComparedLayer, found: string | undefined): ComparedLayer {
  const { recordedShape } = layer;
  const reason = found ?? (recordedShape && `the recorded one has the shape ${formatShape(recordedShape)}`);
  return reason === undefined ? layer : { ...layer, reason };
}

function requireRecorded(
  { calls, failure }: ModelRun,
  recorded: readonly NamedCall[],
  { outputs }: Recording,
): void {
  if (recorded.length > 0) return;
  if (failure) throw failure;
  const names = outputs.size > 0 ? `it has ${firstNames([...outputs.keys()])}` : 'it has inputs alone';
  const layers = firstNames(calls.map(({ name }) => name));
  throw invalid(
    'compare',
    `the recording must have the output of a layer; ${names}, and the model ran ${layers}`,
  );
}

/** A recording of other shapes throughout is one of another input or another model. */
function requireShapes(pairs: readonly Pair[]): void {
  const [first] = pairs;
  if (!first || pairs.some(({ layer }) => !layer.recordedShape)) return;
  const { path, shape, recordedShape = [] } = first.layer;
  const shapes = `${path} gives ${formatShape(shape)}, and ${formatShape(recordedShape)} was recorded`;
  throw invalid('compare', `no recorded output has the shape of its layer's: ${shapes}`);
}
