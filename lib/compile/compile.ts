import { at } from '../graph/at.js';
import { invalid } from '../graph/errors.js';
import type { InputAttributes, Variable } from '../graph/leaf.js';
import type { Body } from '../graph/loop.js';
import { reachable, type Tensor } from '../graph/tensor.js';
import { assignOffsets } from './arena/assign-offsets.js';
import { layOutArena } from './arena/lay-out.js';
import { fuse } from './fuse/fuse.js';
import { schedule } from './fuse/schedule.js';
import { bindEnds } from './lower/bindings.js';
import { chooseDestinations } from './lower/destinations.js';
import { lowerUnits } from './lower/lower-units.js';
import { findReaders, nodesReadElsewhere } from './lower/readers.js';
import { verifySchedule } from './lower/verify-schedule.js';
import type { Kernels } from './plan/kernels.js';
import { allReducesOf, type Binding, type Plan, type Step } from './plan/plan.js';
import type { Value } from './plan/values.js';
import { VERIFIES } from './plan/verifies.js';
import { type Actions, actionsOf } from './recompute/actions.js';
import { asMarked } from './recompute/marked.js';
import { type Sequence, stepsOf } from './recompute/sequence.js';
import { pruneScans } from './rewrite/prune.js';
import { simplify } from './rewrite/simplify.js';
import { verifyDataFlow } from './verify/data-flow.js';
import { verifyGraph } from './verify/graph.js';
import { verifyPlan } from './verify/plan.js';
import { verifyRecomputation } from './verify/recomputation.js';

/** A graph to compile, from inputs to outputs, and the variables that it assigns. */
export interface Graph {
  readonly inputs: readonly Tensor<InputAttributes>[];
  readonly outputs: readonly Tensor[];
  readonly assignments?: ReadonlyMap<Variable, Tensor>;
}

/** A plan, and the leaves whose memory a run has to bind to it. */
export interface Compiled {
  readonly plan: Plan;
  /** Scalars that the host provides before each run, bound after the inputs. */
  readonly hostScalars: readonly Tensor<InputAttributes>[];
  /** The variables, in the order of their bindings. */
  readonly variables: readonly Variable[];
}

/** A graph lowered to steps over buffers that have no offsets in the arena yet. */
export interface Lowered extends Omit<Compiled, 'plan'> {
  readonly bindings: readonly Binding[];
  readonly steps: readonly Step<Value>[];
}

/**
 * Compiles a graph into a plan for the given kernels: lowers it, adds the recomputation that `checkpoint` asks for, and
 * lays out the arena.
 */
export function compileGraph(graph: Graph, kernels: Kernels): Compiled {
  return layOutPlan(recomputeMarked(lowerGraph(graph, kernels)));
}

/** Rewrites, fuses, binds, schedules and lowers a graph. */
export function lowerGraph({ inputs, outputs, assignments = new Map() }: Graph, kernels: Kernels): Lowered {
  const pruned = pruneScans([...outputs, ...assignments.values()]);
  if (VERIFIES) verifyGraph(reachable(pruned));
  const roots = simplify(pruned);
  const nodes = reachable(roots);
  verifyGraph(nodes);
  const { units, unitOf } = fuse(nodes);
  const bound = bindEnds({ inputs, roots, assigned: [...assignments.keys()] }, nodes);
  const readers = findReaders(nodes);
  // Links units, which the schedule then follows.
  const destinations = chooseDestinations(bound.targets, unitOf, readers);
  const { fence } = destinations;
  const order = schedule(fence ? [...units, fence] : units);
  if (VERIFIES) verifySchedule(order, nodes, bound.targets, destinations, readers);
  const steps = lowerUnits(order, {
    leaves: bound.leaves,
    destinations,
    shared: new Set([...nodesReadElsewhere(readers, unitOf), ...roots, ...destinations.direct.keys()]),
    kernels,
    compileBody: (body) => compileBody(body, kernels),
  });
  return { bindings: bound.bindings, steps, hostScalars: bound.hostScalars, variables: bound.variables };
}

/** Adds the recomputation that `checkpoint` asks for. */
export function recomputeMarked(lowered: Lowered): Lowered {
  if (!lowered.steps.some(({ scopes }) => scopes)) return lowered;
  const actions = actionsOf(lowered.steps);
  return recompute(lowered, actions, asMarked(actions));
}

/** The lowered graph whose actions run in an order in which some come twice. */
export function recompute(lowered: Lowered, actions: Actions, sequence: Sequence): Lowered {
  const steps = stepsOf(sequence, actions);
  const sources = sequence.flatMap((action) => at(actions.steps, action));
  if (VERIFIES) verifyRecomputation(lowered.steps, steps, sources);
  return { ...lowered, steps };
}

/** Lays out the arena of a lowered graph. */
export function layOutPlan({ bindings, steps, hostScalars, variables }: Lowered): Compiled {
  const arena = layOutArena(steps);
  const total = (counted: readonly Step<Value>[]) => counted.reduce((sum, { flops }) => sum + flops, 0);
  const plan: Plan = {
    bindings,
    steps: assignOffsets(steps, arena.offsets),
    blocks: arena.blocks,
    arenaBytes: arena.bytes,
    flops: total(steps),
    recomputedFlops: total(steps.filter(({ recomputed }) => recomputed)),
  };
  verifyPlan(plan);
  if (VERIFIES) verifyDataFlow(plan, steps);
  return { plan, hostScalars, variables };
}

const ALONE =
  "the step of a loop cannot wait for other shards: batch normalisation in it needs the option statistics: 'shard'";

/** Compiles a loop's body, whose placeholders and results are the only bindings of its plan. */
function compileBody({ placeholders, results }: Body, kernels: Kernels): Plan {
  const inputs = placeholders as Tensor<InputAttributes>[];
  const { plan } = compileGraph({ inputs, outputs: results }, kernels);
  if (plan.bindings.length !== placeholders.length + results.length) {
    throw new Error('compile: the body of a loop is not closed');
  }
  if (allReducesOf(plan).length > 0) throw invalid('scan', ALONE);
  return plan;
}
