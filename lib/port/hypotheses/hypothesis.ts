import type { Tensor } from '../../graph/tensor.js';
import type { AnyModule } from '../../nn/module.js';
import type { Evidence } from '../evidence.js';

/** A cause that a departure may have, and what the layer would give if it had. */
export interface Hypothesis {
  readonly reason: string;
  /** The output under the hypothesis. One that does not apply throws, or gives another shape than the recorded one. */
  output(): Tensor;
}

/** The hypotheses about layers of some kind. */
export interface Suspicion {
  appliesTo(layer: AnyModule): boolean;
  hypotheses(layer: AnyModule, evidence: Evidence): Iterable<Hypothesis>;
}

type LayerClass = abstract new (...args: never[]) => AnyModule;

/** Hypotheses about the layers of some classes. */
export function about<const T extends readonly LayerClass[]>(
  types: T,
  hypotheses: (layer: InstanceType<T[number]>, evidence: Evidence) => Iterable<Hypothesis>,
): Suspicion {
  return {
    appliesTo: (layer) => types.some((type) => layer instanceof type),
    hypotheses: (layer, evidence) => hypotheses(layer as InstanceType<T[number]>, evidence),
  };
}

/** Hypotheses about any layer. */
export function aboutAny(hypotheses: (evidence: Evidence) => Iterable<Hypothesis>): Suspicion {
  return { appliesTo: () => true, hypotheses: (_, evidence) => hypotheses(evidence) };
}

/** The layer's output with other values of its parameters, by field. */
export function withWeights({ layer, graph }: Evidence, weights: Readonly<Record<string, Tensor>>): Tensor {
  const changes = Object.entries(weights).map(([name, value]): [Tensor, Tensor] => [
    Reflect.get(layer, name) as Tensor,
    value,
  ]);
  return graph.replay(new Map(changes));
}

/** All orders of some numbers, the given one first. */
export function permutations(items: readonly number[]): number[][] {
  if (items.length < 2) return [[...items]];
  return items.flatMap((first, i) => permutations(items.toSpliced(i, 1)).map((rest) => [first, ...rest]));
}
