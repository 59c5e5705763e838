import { tensor as tensorKind } from '../graph/arguments/kinds.js';
import { at } from '../graph/at.js';
import { ChainruleError } from '../graph/errors.js';
import { isInput, tensor } from '../graph/leaf.js';
import { nameAt, partsOf } from '../graph/structure.js';
import { reachable, type Tensor } from '../graph/tensor.js';
import { traced } from '../graph/trace.js';
import { type LayerCall, recordCalls } from '../health/record.js';
import type { FileTensor } from '../io/file-dtypes.js';
import { callForward } from '../nn/call-forward.js';
import { computingMethods } from '../nn/layer-methods.js';
import { asModelInput, forwardArguments, type Tensors, tensorOrSeveral } from '../nn/model-input.js';
import { restoringModes } from '../nn/modes.js';
import type { AnyModule } from '../nn/module.js';
import { MODEL } from '../nn/module-tree.js';
import type { Layout } from '../nn/state/options.js';
import { asInput, reordered } from './align.js';
import { type Arrangement, Arrangements } from './arrangements.js';
import { OUTPUT } from './recording.js';

/** A call by the name that its recording has. */
export interface NamedCall extends LayerCall {
  readonly name: string;
}

/** The graph of a model in inference, for recorded inputs. */
export interface ModelRun {
  readonly inputs: readonly Tensor[];
  /** In the order in which they ended, inner calls before outer ones. */
  readonly calls: readonly NamedCall[];
  readonly arrangements: Arrangements;
  /** The error that ended the run early. */
  readonly failure?: ChainruleError;
}

/** Runs a function with the model in inference, and gives it its mode back. */
export function inInference<R>(model: AnyModule, fn: () => R): R {
  return restoringModes(() => {
    model.eval();
    return fn();
  });
}

/**
 * Traces a model on recorded inputs. Where PyTorch may have the channels of an input in front, the first layers tell: both
 * orders are tried, and the one is taken that they want, or else the first that the model accepts.
 *
 * @param names of the inputs, if `forward` takes a record of them
 */
export function runModel(
  model: AnyModule,
  inputs: readonly FileTensor[],
  layout: Layout,
  names?: readonly string[],
): ModelRun {
  const float = model.parameters().some(({ dtype }) => dtype === 'float64') ? 'float64' : 'float32';
  let best: ModelRun | undefined;
  for (const arrangements of choices(inputs, layout)) {
    const given = inputs.map((input, i) => {
      const axes = axesOf(input.shape.length, arrangements[i] as Arrangement);
      const { data, dtype } = asInput(`input ${i}`, input, float);
      const shape = axes.map((axis) => input.shape[axis] as number);
      return tensor(reordered(data, input.shape, axes), { shape, dtype });
    });
    const run = trace(model, given, names);
    const wanted = given.every((input, i) => {
      const want = run.arrangements.wanted(input);
      return input.ndim < 3 || layout !== 'pytorch' || want === undefined || want === arrangements[i];
    });
    if (!run.failure && wanted) return run;
    if (!best || (best.failure && (!run.failure || run.calls.length > best.calls.length))) best = run;
  }
  return best as ModelRun;
}

/** The arrangements that inputs may have, the likeliest first: images have their channels in front, sequences do not. */
function choices(inputs: readonly FileTensor[], layout: Layout): Arrangement[][] {
  return inputs.reduce<Arrangement[][]>(
    (all, { shape }) => {
      const likely: Arrangement = shape.length > 3 ? 'channelsFirst' : 'channelsLast';
      const other: Arrangement = likely === 'channelsFirst' ? 'channelsLast' : 'channelsFirst';
      const own: Arrangement[] =
        layout === 'chainrule' || shape.length < 3 ? ['channelsLast'] : [likely, other];
      return own.flatMap((one) => all.map((others) => [...others, one]));
    },
    [[]],
  );
}

function axesOf(rank: number, arrangement: Arrangement): number[] {
  const axes = Array.from({ length: rank }, (_, axis) => axis);
  return arrangement === 'channelsFirst' ? [0, ...axes.slice(2), 1] : axes;
}

function trace(model: AnyModule, inputs: readonly Tensor[], names?: readonly string[]): ModelRun {
  let failure: ChainruleError | undefined;
  let result: unknown;
  const run = () => {
    try {
      const given = inputs.map((input) => (input.dtype === 'bool' ? input : asModelInput(input)));
      const record = names && Object.fromEntries(names.map((name, i) => [name, at(given, i)]));
      result = callForward('compare', model, forwardArguments(record ?? given));
    } catch (error) {
      if (!(error instanceof ChainruleError)) throw error;
      failure = error;
    }
  };
  const { calls } = traced(() => inInference(model, () => recordCalls(model, run, computingMethods))).result;
  return {
    inputs,
    calls: [...numbered(computable(calls)), ...outputsOf(model, inputs, result)],
    arrangements: new Arrangements(calls),
    ...(failure ? { failure } : {}),
  };
}

/** The outputs of a model that gives several: `output.rating`, and of a list those behind the first, which is `output`. */
function outputsOf(model: AnyModule, inputs: readonly Tensor[], result: unknown): NamedCall[] {
  if (!tensorOrSeveral.accepts(result)) return [];
  const names = partsOf(result as Tensors, tensorKind).filter(([place]) => place !== '' && place !== '[0]');
  return names.map(([place, output]) => {
    return { path: MODEL, module: model, inputs, output, name: `${OUTPUT}.${nameAt(place)}` };
  });
}

/** The calls outside of loops, whose bodies have no values of their own. */
function computable(calls: readonly LayerCall[]): LayerCall[] {
  const inLoops = new Set<Tensor>();
  for (const node of reachable(calls.map(({ output }) => output)))
    if (isInput(node) || node.inputs.some((input) => inLoops.has(input))) inLoops.add(node);
  return calls.filter(({ output }) => !inLoops.has(output));
}

/** Later calls of a layer are numbered: `fc`, `fc (2)`. */
function numbered(calls: readonly LayerCall[]): NamedCall[] {
  const counts = new Map<string, number>();
  return calls.map((call) => {
    const count = (counts.get(call.path) ?? 0) + 1;
    counts.set(call.path, count);
    const path = call.path === MODEL ? OUTPUT : call.path;
    return { ...call, name: count === 1 ? path : `${path} (${count})` };
  });
}
