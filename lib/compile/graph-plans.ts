import { type Compiled, type Graph, type Lowered, lowerGraph, placeLowered } from './compile.js';

/** A plan that a graph could have: what its arena takes, and what it costs. */
export interface PlanChoice {
  readonly arenaBytes: number;
  /** Operations of one run. */
  readonly flops: number;
  /** Those of them that compute something again. */
  readonly recomputedFlops: number;
}

/** The plans that the compiler knows for a graph, from the quickest to the one with the smallest arena. */
export class GraphPlans {
  readonly #lowered: Lowered;
  #quickest: Compiled | undefined;

  constructor(graph: Graph) {
    this.#lowered = lowerGraph(graph);
  }

  /** The one that a graph has without a limit: it recomputes only what `checkpoint` marks. */
  get quickest(): Compiled {
    this.#quickest ??= placeLowered(this.#lowered);
    return this.#quickest;
  }

  /** The one with the smallest arena. */
  get smallest(): Compiled {
    return this.quickest;
  }

  /** The one with the least work among those whose arena takes no more than so many bytes; undefined where there is none. */
  within(arenaBytes: number): Compiled | undefined {
    return this.quickest.plan.arenaBytes <= arenaBytes ? this.quickest : undefined;
  }

  /** Choices between the quickest and the smallest, at budgets that lie evenly between theirs. */
  curve(points = 10): PlanChoice[] {
    const { arenaBytes, flops, recomputedFlops } = this.quickest.plan;
    return Array.from({ length: Math.min(1, points) }, () => ({ arenaBytes, flops, recomputedFlops }));
  }
}
