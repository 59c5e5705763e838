import type { Compiled, Graph } from '../../compile/compile.js';
import { type PlanChoice, PlanChoices } from '../../compile/plan-choices.js';
import { nativeKernels } from '../../runtime/native-kernels.js';
import type { BoundPlan } from '../protocol/job.js';

/** The plan choices of a graph (see `PlanChoices`) as bound plans. */
export class BoundPlanChoices {
  readonly #plans: PlanChoices;
  readonly #bound = new WeakMap<Compiled, BoundPlan>();
  #smallest: BoundPlan | undefined;

  constructor(
    graph: Graph,
    private readonly bind: (compiled: Compiled) => BoundPlan,
  ) {
    this.#plans = new PlanChoices(graph, nativeKernels);
  }

  get quickest(): BoundPlan {
    return this.#boundOf(this.#plans.quickest);
  }

  /** The plan with the smallest arena. Placement may differ from the estimate, so smaller ones are searched for. */
  get smallest(): BoundPlan {
    if (!this.#smallest) {
      let found = this.#plans.smallest;
      for (
        let next: Compiled | undefined = found;
        next;
        next = this.#plans.within(found.plan.arenaBytes - 1)
      ) {
        found = next;
      }
      this.#smallest = this.#boundOf(found);
    }
    return this.#smallest;
  }

  /** The plan with the least work whose arena takes at most `arenaBytes`; undefined if there is none. */
  within(arenaBytes: number): BoundPlan | undefined {
    const compiled = this.#plans.within(arenaBytes);
    return compiled && this.#boundOf(compiled);
  }

  curve(points?: number): PlanChoice[] {
    return this.#plans.curve(points);
  }

  #boundOf(compiled: Compiled): BoundPlan {
    const bound = this.#bound.get(compiled) ?? this.bind(compiled);
    this.#bound.set(compiled, bound);
    return bound;
  }
}
