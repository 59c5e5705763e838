import {
  type Compiled,
  type Graph,
  type Lowered,
  layOutPlan,
  lowerGraph,
  recompute,
  recomputeMarked,
} from './compile.js';
import type { Kernels } from './plan/kernels.js';
import type { Actions } from './recompute/actions.js';
import type { Choice } from './recompute/choices.js';
import { choicesOf } from './recompute/known-choices.js';

/** The arena size and the cost of one possible plan. */
export interface PlanChoice {
  readonly arenaBytes: number;
  /** Floating-point operations of one run. */
  readonly flops: number;
  /** The part of `flops` spent on recomputation. */
  readonly recomputedFlops: number;
}

/** The plans of one graph with different arena sizes, from the fastest to the smallest. */
export class PlanChoices {
  readonly #lowered: Lowered;
  /** Arena sizes of the choices placed so far; their plans are large, and are placed again when needed. */
  readonly #arenas = new Map<Choice, number>();
  #latest: { readonly choice: Choice; readonly compiled: Compiled } | undefined;
  #quickest: Compiled | undefined;
  #found: { readonly actions: Actions; readonly choices: readonly Choice[] } | undefined;

  constructor(graph: Graph, kernels: Kernels) {
    this.#lowered = lowerGraph(graph, kernels);
  }

  /** The plan without a memory limit, which recomputes only what `checkpoint` marks. */
  get quickest(): Compiled {
    this.#quickest ??= layOutPlan(recomputeMarked(this.#lowered));
    return this.#quickest;
  }

  /** The plan of the choice with the lowest peak. */
  get smallest(): Compiled {
    const smallest = this.#choices.reduce((best, choice) => (choice.peak < best.peak ? choice : best));
    return this.#place(smallest);
  }

  /** The plan with the least work whose arena takes at most `arenaBytes`; undefined if there is none. */
  within(arenaBytes: number): Compiled | undefined {
    if (this.quickest.plan.arenaBytes <= arenaBytes) return this.quickest;
    const found = this.#choices.find(
      (choice) => choice.peak <= arenaBytes && this.#arenaOf(choice) <= arenaBytes,
    );
    return found && this.#place(found);
  }

  /** Plan choices at evenly spaced budgets from the quickest plan to the smallest; by default 10. */
  curve(points = 10): PlanChoice[] {
    const [most, least] = [this.quickest.plan.arenaBytes, this.smallest.plan.arenaBytes];
    return Array.from({ length: points }, (_, i) => {
      const budget = most - ((most - least) * i) / Math.max(1, points - 1);
      const { plan } = this.within(Math.max(least, Math.floor(budget))) as Compiled;
      return { arenaBytes: plan.arenaBytes, flops: plan.flops, recomputedFlops: plan.recomputedFlops };
    });
  }

  get #choices(): readonly Choice[] {
    this.#found ??= choicesOf(this.#lowered.steps);
    return this.#found.choices;
  }

  #arenaOf(choice: Choice): number {
    return this.#arenas.get(choice) ?? this.#place(choice).plan.arenaBytes;
  }

  #place(choice: Choice): Compiled {
    if (this.#latest?.choice === choice) return this.#latest.compiled;
    const { actions } = this.#found as { actions: Actions };
    const compiled = layOutPlan(recompute(this.#lowered, actions, choice.sequence));
    this.#arenas.set(choice, compiled.plan.arenaBytes);
    this.#latest = { choice, compiled };
    return compiled;
  }
}
