import type { TypedArray } from '../graph/dtype.js';
import { tensor } from '../graph/leaf.js';
import { substitute } from '../graph/substitute.js';
import { reachable, type Tensor } from '../graph/tensor.js';
import type { AnyModule, Module } from '../nn/module.js';
import { modulesOf } from '../nn/module-tree.js';
import { evaluate } from '../runtime/evaluate.js';
import type { Aligned } from './align.js';
import type { NamedCall } from './run.js';

/** All that is known of a layer that departs: what it was given, what it made of it, and what was recorded. */
export interface Evidence {
  readonly layer: AnyModule;
  /** The values of its inputs, which agree with the recording where there is one. */
  readonly inputs: readonly Tensor[];
  /** The first of them; the output where there is none. */
  readonly input: Tensor;
  /** The value of its output. */
  readonly output: Tensor;
  /** The recorded output, which may have another shape. */
  readonly recorded: Tensor;
  /** The graph of the output, from the values of earlier layers that agree. */
  readonly graph: LocalGraph;
  /** The modules beside the layer, by path. */
  readonly siblings: ReadonlyMap<string, Module>;
}

/** The part of a model's graph that computes a layer's output from values that agree with the recording. */
export class LocalGraph {
  constructor(
    readonly output: Tensor,
    /** The nodes that the layer was given. */
    readonly inputs: readonly Tensor[],
    /** The values that agree: outputs of earlier layers, and inputs of the model. */
    readonly sources: readonly Tensor[],
    /** Those of them that are inputs of the model. */
    readonly modelInputs: readonly Tensor[],
  ) {}

  /** The output, with some nodes replaced by others of the same shape and dtype. */
  replay(changes: ReadonlyMap<Tensor, Tensor>): Tensor {
    return substitute([this.output], changes)[0] as Tensor;
  }

  /** The output for another value of the first input. */
  given(input: Tensor): Tensor {
    const [own] = this.inputs;
    return own ? this.replay(new Map([[own, input]])) : this.output;
  }

  /** The nodes before the layer, from the nearest one back to the sources. */
  before(): Tensor[] {
    return reachable(this.inputs.slice(0, 1)).reverse();
  }

  /** The nodes inside of the layer, from the last one back. */
  inside(): Tensor[] {
    const outside = new Set(reachable(this.inputs));
    return reachable([this.output])
      .filter((node) => !outside.has(node) && node !== this.output)
      .reverse();
  }
}

/**
 * Gathers the evidence about a call.
 *
 * @param agreeing outputs of earlier calls that agree with the recording, and the inputs of the model
 */
export async function gather(
  model: AnyModule,
  call: NamedCall,
  agreeing: ReadonlySet<Tensor>,
  modelInputs: readonly Tensor[],
  ours: TypedArray,
  recorded: Aligned,
): Promise<Evidence> {
  const roots = [call.output, ...call.inputs];
  const found = reachable(roots, (node) => agreeing.has(node)).filter((node) => agreeing.has(node));
  const values = await constants(found);
  const sources = new Map(found.map((node, i) => [node, values[i] as Tensor]));
  const [output, ...inputs] = substitute(roots, sources);
  const given = modelInputs.flatMap((input) => sources.get(input) ?? []);
  const { shape, dtype } = call.output;
  const result = tensor(ours, { shape, dtype });
  const inputValues = await constants(inputs);
  return {
    layer: call.module,
    inputs: inputValues,
    input: inputValues[0] ?? result,
    output: result,
    recorded: tensor(recorded.data, { shape: recorded.shape, dtype }),
    graph: new LocalGraph(output as Tensor, inputs, values, given),
    siblings: siblingsOf(model, call.module),
  };
}

/** Tensors as constants. */
async function constants(tensors: readonly Tensor[]): Promise<Tensor[]> {
  const values = await evaluate(tensors);
  return tensors.map(({ shape, dtype }, i) => tensor(values[i] as TypedArray, { shape, dtype }));
}

function siblingsOf(model: AnyModule, layer: AnyModule): Map<string, Module> {
  for (const [path, module] of modulesOf(model)) {
    const children = module.namedChildren();
    if (!children.some(([, child]) => child === layer)) continue;
    const prefix = module === model ? '' : `${path}.`;
    return new Map(
      children
        .filter(([, child]) => child !== layer)
        .map(([name, child]) => [prefix + name, child as Module]),
    );
  }
  return new Map();
}
