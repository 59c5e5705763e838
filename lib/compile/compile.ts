import { bytesPerElement, type TypedArray } from '../graph/dtype.js';
import { type ConstantAttributes, type InputAttributes, isNumber, Variable } from '../graph/leaf.js';
import type { Body } from '../graph/loop.js';
import { sizeOf } from '../graph/shapes.js';
import { reachable, type Tensor } from '../graph/tensor.js';
import { placeSteps } from './arena/assign-offsets.js';
import { placeInArena } from './arena/lay-out.js';
import { fuse } from './fuse/fuse.js';
import { schedule } from './fuse/schedule.js';
import { chooseDestinations, type Target } from './lower/destinations.js';
import { Lowering } from './lower/lower.js';
import type { Binding, Plan, Step } from './plan/plan.js';
import type { Buffer, Value } from './plan/values.js';
import { verifyGraph, verifyPlan } from './plan/verify.js';
import { actionsOf } from './recompute/actions.js';
import { asMarked } from './recompute/marked.js';
import { stepsOf } from './recompute/sequence.js';
import { pruneScans } from './rewrite/prune.js';
import { simplify } from './rewrite/simplify.js';

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

/** Compiles a graph into a plan: prune, simplify, fuse, schedule, lower, place. Each pass is a pure function. */
export function compileGraph(graph: Graph): Compiled {
  return placeLowered(asMarkedByHand(lowerGraph(graph)));
}

/** Adds the recomputation that `checkpoint` asks for. */
export function asMarkedByHand(lowered: Lowered): Lowered {
  if (!lowered.steps.some(({ scopes }) => scopes)) return lowered;
  const actions = actionsOf(lowered.steps);
  return { ...lowered, steps: stepsOf(asMarked(actions), actions) };
}

/** Runs the passes before the arena layout. */
export function lowerGraph({ inputs, outputs, assignments = new Map() }: Graph): Lowered {
  const assigned = [...assignments.keys()];
  const roots = simplify(pruneScans([...outputs, ...assignments.values()]));
  const live = reachable(roots);
  verifyGraph(live);
  const { units, unitOf } = fuse(live);
  const leaves = collectLeaves(inputs, live, assigned);
  const bindings = leaves.map(leafBinding);
  const buffers = new Map<Tensor, Buffer>(leaves.map((leaf, index) => [leaf, { kind: 'binding', index }]));
  const targets = roots.map((value, i): Target => {
    const variable = assigned[i - outputs.length];
    if (variable) return { value, variable, binding: buffers.get(variable) as Buffer };
    const index = bindings.push(outputBinding(value, i)) - 1;
    return { value, binding: { kind: 'binding', index } };
  });
  const consumers = findConsumers(live);
  const { direct, before, after } = chooseDestinations(targets, unitOf, consumers);
  const shared = new Set(live.filter((node) => leavesUnit(node, unitOf, consumers)));
  for (const { value } of targets) shared.add(value);
  for (const node of direct.keys()) shared.add(node);

  const lowering = new Lowering({ leaves: buffers, destinations: direct, shared, compileBody });
  const held = before.map((target) => ({
    target,
    copy: lowering.copy(
      lowering.valueOf(target.value),
      'output',
      target.variable ? undefined : target.binding,
      target.value.origin,
    ),
  }));
  for (const unit of schedule(units)) lowering.lower(unit);
  const late = after.map((target) => ({ target, copy: lowering.valueOf(target.value) }));
  for (const { target, copy } of [...held.filter(({ target }) => target.variable), ...late]) {
    lowering.copy(copy, target.variable ? 'assign' : 'output', target.binding, target.value.origin);
  }

  return {
    bindings,
    steps: lowering.steps,
    hostScalars: leaves.slice(inputs.length).filter(isInput),
    variables: leaves.filter((leaf) => leaf instanceof Variable),
  };
}

/** Lays out the arena of a lowered graph. */
export function placeLowered({ bindings, steps, hostScalars, variables }: Lowered): Compiled {
  const arena = placeInArena(steps);
  const total = (counted: readonly Step<Value>[]) => counted.reduce((sum, { flops }) => sum + flops, 0);
  const plan: Plan = {
    bindings,
    steps: placeSteps(steps, arena.offsets),
    blocks: arena.blocks,
    arenaBytes: arena.bytes,
    flops: total(steps),
    recomputedFlops: total(steps.filter(({ recomputed }) => recomputed)),
  };
  verifyPlan(plan);
  return { plan, hostScalars, variables };
}

/** Compiles a loop's body, whose placeholders and results are the only bindings of its plan. */
function compileBody({ placeholders, results }: Body): Plan {
  const { plan } = compileGraph({ inputs: placeholders as Tensor<InputAttributes>[], outputs: results });
  if (plan.bindings.length !== placeholders.length + results.length) {
    throw new Error('compile: the body of a loop is not closed');
  }
  return plan;
}

/** The leaves with their own memory in binding order: the inputs, then the others in trace order. */
function collectLeaves(
  inputs: readonly Tensor[],
  live: readonly Tensor[],
  assigned: readonly Variable[],
): Tensor[] {
  const found = live.filter(
    (node) => node.op.kernel.family === 'leaf' && !isNumber(node) && node.inputs.length === 0,
  );
  return [...new Set<Tensor>([...inputs, ...found, ...assigned])];
}

function isInput(leaf: Tensor): leaf is Tensor<InputAttributes> {
  return leaf.op.kind === 'input';
}

function leafBinding(leaf: Tensor): Binding {
  const { shape, dtype } = leaf;
  const bytes = sizeOf(shape) * bytesPerElement(dtype);
  const { kind } = leaf.op;
  if (isInput(leaf)) return { kind: 'input', name: leaf.attributes.name, dtype, shape, bytes };
  if (kind === 'variable') return { kind: 'variable', name: 'variable', dtype, shape, bytes };
  const data = (leaf.attributes as ConstantAttributes).value as TypedArray;
  return { kind: 'constant', name: 'constant', dtype, shape, bytes, data };
}

function outputBinding({ shape, dtype }: Tensor, index: number): Binding {
  const bytes = sizeOf(shape) * bytesPerElement(dtype);
  return { kind: 'output', name: `output ${index}`, dtype, shape, bytes };
}

function findConsumers(live: readonly Tensor[]): Map<Tensor, Tensor[]> {
  const consumers = new Map<Tensor, Tensor[]>(live.map((node) => [node, []]));
  for (const node of live) for (const input of node.inputs) consumers.get(input)?.push(node);
  return consumers;
}

function leavesUnit(
  node: Tensor,
  unitOf: ReadonlyMap<Tensor, unknown>,
  consumers: ReadonlyMap<Tensor, readonly Tensor[]>,
): boolean {
  return (consumers.get(node) ?? []).some((reader) => unitOf.get(reader) !== unitOf.get(node));
}
