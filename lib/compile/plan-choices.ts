import {
  asMarkedByHand,
  type Compiled,
  type Graph,
  type Lowered,
  lowerGraph,
  placeLowered,
} from './compile.js';
import type { Actions } from './recompute/actions.js';
import type { Choice } from './recompute/choices.js';
import { choicesOf } from './recompute/known-choices.js';
import { stepsOf } from './recompute/sequence.js';

/** A plan that a graph could have: what its arena takes, and what it costs. */
export interface PlanChoice {
  readonly arenaBytes: number;
  /** Operations of one run. */
  readonly flops: number;
  /** Those of them that compute something again. */
  readonly recomputedFlops: number;
}

/** The plans that the compiler knows for a graph, from the quickest to the one with the smallest arena. */
export class PlanChoices {
  readonly #lowered: Lowered;
  /** What the plans that were placed take; the plans themselves are large, and can be made again. */
  readonly #arenas = new Map<Choice, number>();
  #latest: { readonly choice: Choice; readonly compiled: Compiled } | undefined;
  #quickest: Compiled | undefined;
  #found: { readonly actions: Actions; readonly choices: readonly Choice[] } | undefined;

  constructor(graph: Graph) {
    this.#lowered = lowerGraph(graph);
  }

  /** The one that a graph has without a limit: it recomputes only what `checkpoint` marks. */
  get quickest(): Compiled {
    this.#quickest ??= placeLowered(asMarkedByHand(this.#lowered));
    return this.#quickest;
  }

  /** The one with the smallest arena. */
  get smallest(): Compiled {
    const smallest = this.#choices.reduce((best, choice) => (choice.peak < best.peak ? choice : best));
    return this.#place(smallest);
  }

  /** The one with the least work among those whose arena takes no more than so many bytes; undefined where there is none. */
  within(arenaBytes: number): Compiled | undefined {
    if (this.quickest.plan.arenaBytes <= arenaBytes) return this.quickest;
    const found = this.#choices.find(
      (choice) => choice.peak <= arenaBytes && this.#arenaOf(choice) <= arenaBytes,
    );
    return found && this.#place(found);
  }

  /** Choices between the quickest and the smallest, at budgets that lie evenly between theirs. */
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
    const compiled = placeLowered({ ...this.#lowered, steps: stepsOf(choice.sequence, actions) });
    this.#arenas.set(choice, compiled.plan.arenaBytes);
    this.#latest = { choice, compiled };
    return compiled;
  }
}
