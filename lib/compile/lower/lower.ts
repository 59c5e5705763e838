import { at } from '../../graph/at.js';
import { bytesPerElement, type DType } from '../../graph/dtype.js';
import { isNumber, numberOf } from '../../graph/leaf.js';
import type { Body, Loop } from '../../graph/loop.js';
import type { Call, Layout } from '../../graph/op.js';
import type { Origin } from '../../graph/origin.js';
import { type CheckpointScope, commonScope, keptIn } from '../../graph/scope.js';
import { sizeOf } from '../../graph/shapes.js';
import type { Tensor } from '../../graph/tensor.js';
import { computeType, isReduceNode, type ReduceNode, reducedDims, stepShape } from '../fuse/space.js';
import type { Unit } from '../fuse/units.js';
import type { Kernels } from '../plan/kernels.js';
import type { CallStep, Plan, ScanStep, Step } from '../plan/plan.js';
import {
  type Buffer,
  contiguous,
  isContiguous,
  matrixLayout,
  rowMajorLayout,
  type Value,
} from '../plan/values.js';
import { loopBindings, loopStarts } from './loop.js';
import { type LoweredProgram, lowerProgram, type ProgramSource, wholeValue } from './program.js';

/** Facts about the whole graph that the lowering needs. */
export interface LoweringContext {
  /** The binding of each leaf that has its own memory. */
  readonly leaves: ReadonlyMap<Tensor, Buffer>;
  /** The binding that a node's value is written to directly, if any. */
  readonly destinations: ReadonlyMap<Tensor, Buffer>;
  /** Nodes whose values are read outside of their unit, or leave the plan: they have to be in memory. */
  readonly shared: ReadonlySet<Tensor>;
  readonly kernels: Kernels;
  /** Compiles a loop's body to a plan. */
  compileBody(body: Body): Plan;
}

/** Lowers units, in schedule order, to steps over buffers that have no offsets yet. */
export class Lowering {
  readonly steps: Step<Value>[] = [];
  readonly #values = new Map<Tensor, Value>();
  readonly #compact = new Map<Tensor, Value>();
  #buffers = 0;
  /** The origin of the current unit. */
  #origin: Origin | undefined;
  /** The scopes of the current unit; auxiliary buffers, such as copies, belong to the first. */
  #scopes: readonly CheckpointScope[] = [];

  constructor(private readonly context: LoweringContext) {}

  lower(unit: Unit): void {
    const node = unit.last;
    if (node.size === 0 && unit.nodes.every((member) => member.size === 0)) return;
    this.#origin = node.origin;
    this.#scopes = scopesOf(unit);
    const { kernel } = node.op;
    if (kernel.family === 'map') this.#map(unit);
    if (kernel.family === 'reduce') this.#reduce(unit);
    if (kernel.family === 'parts') this.#parts(node);
    if (kernel.family === 'call') this.#call(node, kernel.call(node));
    if (kernel.family === 'scan') this.#scan(node, kernel.loop(node));
    this.#origin = undefined;
    this.#scopes = [];
  }

  /** The value of a node. Views become strides here, and are copied only if no strides express them. */
  valueOf(node: Tensor): Value {
    // Not by recursion: a view may be one of a view, and so on.
    const chain = [node];
    for (let top = node; !this.#values.has(top) && isView(top); chain.push(top)) top = top.input(0);
    for (let top = chain.pop(); top; top = chain.pop()) {
      if (!this.#values.has(top)) this.#values.set(top, this.#resolve(top));
    }
    return this.#values.get(node) as Value;
  }

  /** Copies a value to the given buffer, or to a new one. */
  copy(source: Value, label: string, buffer?: Buffer, origin = this.#origin): Value {
    const output: Value = {
      buffer: buffer ?? this.#allocate(source.layout.shape, source.dtype, this.#scopes[0]),
      layout: contiguous(source.layout.shape),
      dtype: source.dtype,
    };
    if (sizeOf(source.layout.shape) > 0) {
      this.#push({ kernel: 'copy', label, flops: 0, input: source, output }, origin);
    }
    return output;
  }

  #resolve(node: Tensor): Value {
    const leaf = this.context.leaves.get(node);
    if (leaf) return wholeValue(node, leaf);
    if (isNumber(node)) {
      const output = this.#output(node);
      if (node.size > 0)
        this.#push({ kernel: 'fill', label: 'constant', flops: 0, value: numberOf(node), output });
      return output;
    }
    const { kernel } = node.op;
    if (kernel.family !== 'view') return this.#output(node);
    const source = this.valueOf(node.input(0));
    const layout = kernel.view(source.layout, node);
    if (layout) return { ...source, layout };
    const compact = this.#contiguous(node.input(0));
    return { ...compact, layout: kernel.view(compact.layout, node) as Layout };
  }

  #contiguous(node: Tensor): Value {
    const value = this.valueOf(node);
    if (isContiguous(value.layout)) return value;
    const copy = this.#compact.get(node) ?? this.copy(value, `contiguous ${node.op.kind}`);
    this.#compact.set(node, copy);
    return copy;
  }

  #map(unit: Unit): void {
    const { program } = this.#program({
      nodes: unit.nodes,
      stored: this.#stored(unit),
      space: spaceOf(unit),
    });
    this.#push({ kernel: 'map', label: labelOf(unit), flops: flopsOf(unit), ...program });
  }

  #reduce(unit: Unit): void {
    const reduced = unit.nodes.filter(isReduceNode);
    const producers = unit.nodes.filter((node) => !isReduceNode(node));
    const stored = this.#stored(unit);
    for (const node of reduced) stored.delete(node);
    const { program, reduced: registers } = this.#program({
      nodes: producers,
      stored,
      reduced: reduced.map((node) => node.input(0)),
      space: spaceOf(unit),
    });
    this.#push({
      ...program,
      kernel: 'reduce',
      label: labelOf(unit),
      flops: flopsOf(unit),
      dims: reducedDims(unit.last as ReduceNode),
      reductions: reduced.map((node, i) => ({
        code: node.op.kernel.code,
        result: at(registers, i),
        output: this.valueOf(node),
      })),
    });
  }

  #program(source: ProgramSource): LoweredProgram {
    return lowerProgram(source, this.context.kernels.operations, (node) => this.valueOf(node));
  }

  #parts(node: Tensor): void {
    const { kernel } = node.op;
    if (kernel.family !== 'parts') return;
    const output = this.valueOf(node);
    const fill = kernel.fill(node);
    const facts = { label: node.op.kind, flops: 0 };
    if (fill !== null) this.#push({ kernel: 'fill', ...facts, value: fill, output });
    for (const { input, start, step } of kernel.parts(node)) {
      const source = this.valueOf(node.input(input));
      if (sizeOf(source.layout.shape) === 0) continue;
      const { strides } = output.layout;
      const layout: Layout = {
        offset: start.reduce((sum, index, axis) => sum + index * at(strides, axis), 0),
        shape: source.layout.shape,
        strides: strides.map((stride, axis) => stride * (step?.[axis] ?? 1)),
      };
      this.#push({ kernel: 'copy', ...facts, input: source, output: { ...output, layout } });
    }
  }

  #call(node: Tensor, { kernel, inputs, attributes = {}, strided, allReduces }: Call): void {
    const named: Record<string, Value> = {};
    inputs.forEach((name, i) => {
      named[name] = this.#operand(node.input(i), strided);
    });
    const step: CallStep<Value> = {
      kernel: 'call',
      label: node.op.kind,
      flops: node.op.cost(node),
      name: kernel,
      inputs: named,
      output: this.valueOf(node),
      attributes,
      ...(allReduces && { allReduces }),
    };
    const { workspaceBytes, method } = this.context.kernels.facts(step);
    this.#push({ ...step, ...(method && { method }), ...this.#workspace(workspaceBytes) });
  }

  #scan(node: Tensor, loop: Loop): void {
    const output = this.valueOf(node);
    const { length, reverse } = loop;
    const carry = { label: 'carry', flops: 0 };
    loopStarts(loop, output).forEach((start, i) => {
      const initial = node.input(i);
      if (initial.size === 0) return;
      if (!isNumber(initial)) {
        this.#push({ kernel: 'copy', ...carry, input: this.valueOf(initial), output: start });
        return;
      }
      this.#push({ kernel: 'fill', ...carry, value: numberOf(initial), output: start });
    });
    if (length === 0) return;
    const body = this.context.compileBody(loop.body);
    const read = node.inputs.slice(loop.carries).map((input) => this.#contiguous(input));
    const bindings = loopBindings(loop, read, output);
    const reads = node.inputs.length;
    const step: ScanStep<Value> = {
      kernel: 'scan',
      label: 'scan',
      flops: length * body.flops,
      length,
      reverse,
      body,
      bindings,
      reads,
    };
    this.#push({ ...step, ...this.#workspace(body.arenaBytes) });
  }

  #push(step: Step<Value>, origin = this.#origin): void {
    const scopes = this.#scopes;
    this.steps.push({ ...step, ...(origin && { origin }), ...(scopes.length > 0 && { scopes }) });
  }

  #operand(node: Tensor, strided: Call['strided']): Value {
    if (!strided) return this.#contiguous(node);
    const value = this.valueOf(node);
    if (strided === 'any') return value;
    const layout = strided === 'rows' ? rowMajorLayout(value.layout) : matrixLayout(value.layout);
    return layout ? { ...value, layout } : this.#contiguous(node);
  }

  /** The nodes of a unit whose values must be in memory, with their destinations. */
  #stored(unit: Unit): Map<Tensor, Value> {
    const nodes = unit.nodes.filter((node) => this.context.shared.has(node));
    return new Map(nodes.map((node) => [node, this.valueOf(node)]));
  }

  #output(node: Tensor): Value {
    return wholeValue(
      node,
      this.context.destinations.get(node) ??
        this.#allocate(node.shape, node.dtype, isNumber(node) ? this.#scopes[0] : keptIn(node.scope)),
    );
  }

  #workspace(bytes: number): { readonly workspace?: Value } {
    if (bytes === 0) return {};
    const buffer = this.#allocate([bytes], 'uint8');
    return { workspace: { buffer, layout: contiguous([bytes]), dtype: 'uint8' } };
  }

  #allocate(shape: readonly number[], dtype: DType, scope?: CheckpointScope): Buffer {
    const bytes = sizeOf(shape) * bytesPerElement(dtype);
    return { kind: 'arena', id: this.#buffers++, bytes, ...(scope && { scope }) };
  }
}

/** The scopes that any node of the unit leaves, and the innermost one that contains them all. */
function scopesOf({ nodes }: Unit): readonly CheckpointScope[] {
  const left = nodes.flatMap(({ scope }) => scope?.left ?? []);
  const common = nodes.map(({ scope }) => keptIn(scope)).reduce(commonScope);
  return [...new Set(common ? [...left, common] : left)];
}

function spaceOf(unit: Unit) {
  return { shape: stepShape(unit.last), compute: computeType(unit.last) };
}

function isView({ op }: Tensor): boolean {
  return op.kernel.family === 'view';
}

function flopsOf(unit: Unit): number {
  return unit.nodes.reduce((sum, node) => sum + node.op.cost(node), 0);
}

function labelOf(unit: Unit): string {
  return unit.nodes.map((node) => node.op.kind).join('+');
}
