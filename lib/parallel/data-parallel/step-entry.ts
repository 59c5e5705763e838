import { at } from '../../graph/at.js';
import { allocate, type DType, isFloat, type TypedArray } from '../../graph/dtype.js';
import { ChainruleError, failed, formatShape, invalid } from '../../graph/errors.js';
import { constant, type Variable } from '../../graph/leaf.js';
import { sameItems } from '../../graph/same-items.js';
import { type Shape, sizeOf } from '../../graph/shapes.js';
import { reachable, type Tensor, upcomingId } from '../../graph/tensor.js';
import { sumsOf } from '../../nn/losses/sums.js';
import { Parameter } from '../../nn/parameter.js';
import { PlanAccess } from '../../runtime/access/plan-access.js';
import { graphBytes, kernelBytes, ownConstantBytes } from '../../runtime/cache/kept-bytes.js';
import type { Cached } from '../../runtime/cache/plan-cache.js';
import type { RandomState } from '../../runtime/executable.js';
import { describeNonFinite } from '../../runtime/non-finite.js';
import { mapTensors, type Result } from '../../runtime/traced-results.js';
import { cutInto, defaultShards, flopsOf } from '../prepare/default-shards.js';
import { exchangedBy, prepareExchange } from '../prepare/exchange.js';
import { mustStayFinite } from '../prepare/flat-parameters.js';
import type { BatchRows, BoundPlan, StepJob } from '../protocol/job.js';
import { ofShard } from '../protocol/shard-error.js';
import { shardRows, shardSizes } from '../protocol/shards.js';
import { bytesOf, sharedBuffer, sharedMemory, viewInto } from '../protocol/shared-memory.js';
import { LOSS, LOSS_WEIGHT, sumOfShares } from '../protocol/shares.js';
import type { Changes, StepLayout } from './step-layout.js';
import {
  argumentName,
  compileStep,
  culpritOf,
  exchanges,
  joinedName,
  lossFigure,
  readInPlace,
  requireDirectGradients,
  rootsOf,
  type StepTrace,
  scalarName,
  traceStep,
  weightName,
} from './step-trace.js';

/** Into how many shards a batch is cut. */
export interface Cut {
  /** Undefined to choose it by the batch: see `defaultShards`. */
  readonly shards: number | undefined;
  /** True if there may be fewer shards, where a model refuses so many. */
  readonly mayBeFewer: boolean;
}

/** A data-parallel function, traced and compiled for the shapes of its arguments. */
export class StepEntry implements Cached {
  readonly job: StepJob;
  /** Of its plans on all threads, of the memory of arguments and results, and of the graphs of its traces. */
  readonly bytes: number;
  readonly layout: StepLayout;
  readonly access: PlanAccess;
  /** Traces by row counts, in which alone they differ. */
  readonly #traces: readonly StepTrace[];
  /** Trace of the largest shard. */
  readonly #first: StepTrace;
  readonly #guards: readonly (() => boolean)[];
  readonly #inPlace: readonly (readonly [Variable, TypedArray])[];
  readonly #arguments: readonly TypedArray[];

  /**
   * @param like arguments with the shapes and dtypes to compile for
   * @param layoutFor returns memory for the variables that the function changes
   * @param forget makes the threads forget an entry
   */
  constructor(
    fn: (...args: Tensor[]) => Result,
    like: readonly Tensor[],
    cut: Cut,
    layoutFor: (changes: Changes) => StepLayout,
    private readonly forget: (entry: StepEntry) => void,
  ) {
    const firstId = upcomingId();
    const rows = at(at(like, 0).shape, 0);
    const { shards, traces } = cutBatch(rows, cut, (size) => traceStep(fn, like, { rows: size, all: rows }));
    const first = at(traces, 0);
    this.#traces = traces;
    this.#first = first;
    // A guard that fails already concerns a mode that the function sets and resets itself.
    this.#guards = traces.flatMap(({ trace }) => trace.guards.filter((holds) => holds()));
    const assigned = [...new Set(traces.flatMap(({ trace }) => [...trace.assignments.keys()]))];
    requireNotUpdated(first, assigned);
    this.layout = layoutFor({
      request: first.request,
      kind: first.shares.kind,
      assigned,
      shards,
      apart: traces.some(exchanges),
    });
    this.#inPlace = traces.flatMap((trace) => readInPlace(trace, this.layout));
    this.access = new PlanAccess(
      'dataParallel',
      this.#inPlace.map(([variable]) => variable),
      this.layout.variables,
    );
    const args = like.map(({ shape, dtype }) => batchRows(rows, shape, dtype));
    this.#arguments = args.map(({ memory }) => viewInto(memory));
    const joined = first.joined.map(({ shape, dtype }) => batchRows(rows, shape, dtype));
    const { update } = this.layout;
    const figures = figuresOf(first);
    const loss = lossFigure(first);
    const plans = new Map(traces.map((trace) => [trace.rows, compileStep(trace, this.layout)]));
    const exchanged = exchangedBy(
      'dataParallel',
      [...plans.values()].map(({ plan }) => plan),
    );
    this.job = {
      ...update,
      rows,
      ...(update.accumulate > 1 ? { unit: this.layout.unit } : {}),
      kind: first.shares.kind,
      ...(loss ? { loss } : {}),
      shards,
      plans,
      ...(exchanged && { exchange: prepareExchange(exchanged, shards) }),
      batches: Object.fromEntries([
        ...args.map((memory, i): [string, BatchRows] => [argumentName(i), memory]),
        ...joined.map((memory, i): [string, BatchRows] => [joinedName(i), memory]),
      ]),
      figures,
      shares: sharedBuffer('float64', shards * figures.length),
      refused: sharedBuffer('int32', 1),
    };
    this.bytes =
      jobBytes(this.job) +
      sum(
        traces.map((trace) =>
          tracedBytes(trace, this.job.plans.get(trace.rows), { firstId, workers: this.layout.workers }),
        ),
      );
  }

  /** True if the modules that the function calls are in the modes of its trace. */
  get holds(): boolean {
    return this.#guards.every((holds) => holds());
  }

  /** True if variables that the plans read in place have moved to other memory since. */
  get isOutdated(): boolean {
    return this.#inPlace.some(([variable, memory]) => variable.storage.data !== memory);
  }

  /** Copies the arguments of a call, and prepares the update. */
  begin(values: readonly TypedArray[]): void {
    values.forEach((value, i) => {
      this.#arguments[i]?.set(value);
    });
    this.layout.begin();
  }

  /** True if the call changed nothing, because the loss, gradients or values to be assigned were not finite. */
  get refused(): boolean {
    return new Int32Array(this.job.refused)[0] === 1;
  }

  /**
   * After a refused call: a parameter that is not finite itself, so that every further call would be refused. It is
   * updated or frozen.
   */
  get broken(): Parameter | undefined {
    const read = [...this.layout.flat.parameters, ...this.#inPlace.map(([variable]) => variable)];
    return read.find(
      (variable): variable is Parameter =>
        variable instanceof Parameter && isFloat(variable.dtype) && !mustStayFinite(variable),
    );
  }

  free(): void {
    this.forget(this);
  }

  /** The error of a refused call, with the op that made the first value that is not finite. */
  async refusal(random: RandomState): Promise<ChainruleError> {
    const { rows, shards } = this.job;
    for (let shard = 0; shard < shards; shard++) {
      const { start, count } = shardRows(rows, shards, shard);
      const trace = this.#traces.find((one) => one.rows === count);
      if (!trace) continue;
      const found = await culpritOf(trace, this.#rowsOfArguments(start, count), {
        ...random,
        sampleOffset: start,
      });
      if (found) return notFinite(describeNonFinite(found));
    }
    return notFinite('Those of each shard are, but their sum overflows');
  }

  #rowsOfArguments(start: number, count: number): TypedArray[] {
    const { rows } = this.job;
    return this.#arguments.map((all) => {
      const size = all.length / rows;
      return all.slice(start * size, (start + count) * size);
    });
  }

  /** Collects the results of the call. */
  finish(): Result {
    const { scalars, joined, result, trace } = this.#first;
    if (!this.refused) {
      // The optimiser's hook looks at the weight.
      this.layout.noteWeight(sumOfShares(this.job, LOSS_WEIGHT) ?? 1);
      for (const hook of trace.afterRun) hook();
    }
    this.layout.finish();
    const values = new Map<Tensor, Tensor>([
      ...scalars.map((node, i): [Tensor, Tensor] => [node, this.#valueOf(i, node.dtype)]),
      ...joined.map((node, i): [Tensor, Tensor] => [node, this.#rowsOf(i, node)]),
    ]);
    return mapTensors(result, (node) => values.get(node) as Tensor);
  }

  /** Sum of the shards' shares of a scalar, divided by that of their weights if it is a ratio. */
  #valueOf(index: number, dtype: DType): Tensor {
    const sum = sumOfShares(this.job, scalarName(index)) as number;
    const weight = sumOfShares(this.job, weightName(index)) ?? 1;
    const value = allocate(dtype, 1);
    value[0] = sum === 0 && weight === 0 ? 0 : sum / weight;
    return constant(value, [], dtype);
  }

  #rowsOf(index: number, { shape, dtype }: Tensor): Tensor {
    const { memory } = this.job.batches[joinedName(index)] as BatchRows;
    const value = allocate(dtype, viewInto(memory).length);
    value.set(viewInto(memory));
    return constant(value, [this.job.rows, ...shape.slice(1)], dtype);
  }
}

function notFinite(why: string): ChainruleError {
  return failed(
    'ERR_CHAINRULE_NON_FINITE',
    'dataParallel',
    `the loss, its gradients and the values to be assigned must stay finite, but are not; nothing was changed. ${why}`,
  );
}

/** Bytes of an entry's plans on all threads, at most one for each shard, and of its memory. */
function jobBytes({ plans, updates, batches, shards, shares, exchange }: StepJob): number {
  const updating = updates.flatMap((share) => (share ? [share.squares, share.update, share.direct] : []));
  return (
    shards * sum([...plans.values()].map(({ plan }) => kernelBytes(plan))) +
    sum(updating.map((bound) => (bound ? kernelBytes(bound.plan) : 0))) +
    sum(Object.values(batches).map(({ memory }) => viewInto(memory).byteLength)) +
    shares.byteLength +
    (exchange ? bytesOf(exchange) : 0)
  );
}

/** Bytes of the graph of a trace, and of its constants on all threads. */
function tracedBytes(
  trace: StepTrace,
  bound: BoundPlan | undefined,
  { firstId, workers }: { readonly firstId: number; readonly workers: number },
): number {
  const nodes = reachable(rootsOf(trace));
  return graphBytes(nodes) + (bound ? (workers + 1) * ownConstantBytes(bound.plan, nodes, firstId) : 0);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

/** Names of a shard's figures. */
function figuresOf({ scalars, shares }: Pick<StepTrace, 'scalars' | 'shares'>): string[] {
  const ofScalars = scalars.flatMap((node, i) => {
    const divides = sumsOf(node)?.weight !== undefined;
    return divides ? [scalarName(i), weightName(i)] : [scalarName(i)];
  });
  const isHidden = shares.loss && !scalars.includes(shares.loss);
  return [...ofScalars, ...(isHidden ? [LOSS] : []), ...(shares.weight ? [LOSS_WEIGHT] : [])];
}

/** Traces the shards of a batch, into as many as are asked for or pay. */
function cutBatch(
  rows: number,
  { shards, mayBeFewer }: Cut,
  trace: (rows: number) => StepTrace,
): { readonly shards: number; readonly traces: readonly StepTrace[] } {
  const whole = shards === undefined ? trace(rows) : undefined;
  const cut = (count: number) => ({
    shards: count,
    traces: tracesOf(rows, count, (size) => (whole?.rows === size ? whole : trace(size))),
  });
  const most = shards ?? defaultShards(rows, flopsOf(rootsOf(whole as StepTrace)));
  return mayBeFewer ? cutInto(most, cut) : cut(most);
}

/** Traces shards of all sizes, which must do the same. */
function tracesOf(rows: number, shards: number, trace: (rows: number) => StepTrace): StepTrace[] {
  const sizes = shardSizes(rows, rows, shards);
  const traces = ofShards(sizes, rows, trace);
  const first = at(traces, 0);
  for (const one of traces) requireSameTrace(one, first);
  if (traces.some(exchanges) && traces.length > 1) for (const one of traces) requireDirectGradients(one);
  return traces;
}

/** Traces shards of a batch. If one does not fit, an error speaks of the whole batch, or says why it does not. */
function ofShards<T>(sizes: readonly number[], rows: number, trace: (rows: number) => T): T[] {
  try {
    return sizes.map(trace);
  } catch (error) {
    if (!(error instanceof ChainruleError)) throw error;
    trace(rows);
    throw ofShard(error, sizes, rows);
  }
}

/** Memory for a tensor with `rows` rows, each of shape `shape.slice(1)`. */
function batchRows(rows: number, shape: Shape, dtype: DType): BatchRows {
  const rowSize = sizeOf(shape.slice(1));
  return { memory: sharedMemory(dtype, rows * rowSize), rowSize };
}

/** Checks that shards of different sizes have like results and request the same update. */
function requireSameTrace(trace: StepTrace, first: StepTrace): void {
  const formOf = ({ scalars, joined, shares }: StepTrace) =>
    [
      shares.kind,
      ...figuresOf({ scalars, shares }),
      ...joined.map(({ dtype, shape }) => dtype + formatShape(shape.slice(1))),
    ].join();
  const alike =
    formOf(trace) === formOf(first) &&
    trace.request?.optimizer === first.request?.optimizer &&
    sameItems(trace.request?.parameters ?? [], first.request?.parameters ?? []);
  if (alike) return;
  throw invalid(
    'dataParallel',
    `the function must do the same for shards of ${first.rows} and of ${trace.rows} rows`,
  );
}

function requireNotUpdated({ request }: StepTrace, assigned: readonly Variable[]): void {
  const both = assigned.find((variable) => request?.parameters.includes(variable));
  if (!both) return;
  throw invalid('dataParallel', 'the function must not assign a parameter that it also updates', both);
}
