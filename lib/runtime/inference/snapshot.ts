import type { Compiled, Graph } from '../../compile/compile.js';
import { foldScales } from '../../compile/rewrite/fold-scales.js';
import { hoist } from '../../compile/rewrite/hoist.js';
import { packWeights } from '../../compile/rewrite/pack-weights.js';
import { simplify } from '../../compile/rewrite/simplify.js';
import { Variable } from '../../graph/leaf.js';
import type { Tensor } from '../../graph/tensor.js';
import { PlanAccess } from '../access/plan-access.js';
import { VersionWatch } from '../access/version-watch.js';
import { AlignedStorage } from '../aligned-memory.js';
import type { Arena } from '../arena.js';
import { bindTo } from '../bind.js';
import { kernelBytes } from '../cache/kept-bytes.js';
import { compileWithin } from '../compile-within.js';
import { Executable } from '../executable.js';
import type { MemoryBudget } from '../memory-size.js';
import { nativeKernels } from '../native-kernels.js';
import { ValueKeys } from './value-keys.js';

/** A settled value, and the memory that it is kept in. */
interface Kept {
  readonly node: Tensor;
  readonly leaf: Variable;
  /** The number of graphs that read it. */
  readers: number;
}

/** What computes the values of a snapshot from the variables. */
interface Preparation {
  readonly compiled: Compiled;
  readonly executable: Executable;
  readonly access: PlanAccess;
  readonly watch: VersionWatch;
}

/** A graph that reads a snapshot. */
export interface Reader {
  readonly outputs: readonly Tensor[];
  /** Tells the snapshot that the graph is used no more. */
  release(): void;
}

const NO_RANDOM = { seed: 0, step: 0 };

/**
 * The values of a compiled function that depend on variables alone, as one whole step left these: copies of the variables,
 * and what is computed from them once instead of in every call. All graphs of the function share it.
 */
export class Snapshot {
  readonly #kept = new Map<string, Kept>();
  #preparation: Preparation | undefined;
  #isStale = true;

  constructor(
    private readonly arena: Arena,
    private readonly budget: MemoryBudget | undefined,
  ) {}

  /** Bytes of the values, and of the plan that computes them. */
  get bytes(): number {
    const plan = this.#preparation?.compiled.plan;
    const values = [...this.#kept.values()].filter(({ leaf }) => leaf.storage.initialised);
    return values.reduce((sum, { leaf }) => sum + leaf.storage.data.byteLength, plan ? kernelBytes(plan) : 0);
  }

  /** Has a graph read its settled values from here. They are computed when the snapshot is renewed next. */
  attach(outputs: readonly Tensor[]): Reader {
    const keys = new ValueKeys();
    const read: string[] = [];
    const hoisted = hoist(packWeights(foldScales(simplify(outputs)), nativeKernels), (node) => {
      const key = keys.of(node);
      read.push(key);
      return this.#leafOf(key, node);
    });
    return { outputs: hoisted.roots, release: () => this.#detach(read) };
  }

  /** True if the values are not those of the variables any more, or not computed yet. */
  get isStale(): boolean {
    return this.#isStale || this.#preparation?.watch.changed === true;
  }

  /** Has the next call compute the values again. */
  refresh(): void {
    this.#isStale = true;
  }

  /** Computes the values from the variables as one whole step left them. No graph may read them meanwhile. */
  async renew(): Promise<void> {
    this.#isStale = false;
    if (this.#kept.size === 0) return;
    try {
      this.#preparation ??= this.#prepare();
      const { compiled, executable, access, watch } = this.#preparation;
      // Before the variables are read: a write in between is then seen again, and never missed.
      watch.begin();
      const targets = [...this.#kept.values()].map(({ leaf }) => leaf.storage.data);
      this.arena.announce(compiled.plan.arenaBytes);
      await access.run(executable.isShort, (memoryOf) => {
        const bindings = bindTo(targets, compiled, memoryOf);
        return executable.runWhereCheapest(bindings, NO_RANDOM);
      });
    } catch (error) {
      this.#isStale = true;
      throw error;
    }
  }

  #prepare(): Preparation {
    const outputs = [...this.#kept.values()].map(({ node }) => node);
    const graph: Graph = { inputs: [], outputs };
    const compiled = compileWithin(graph, this.budget);
    return {
      compiled,
      executable: new Executable(compiled.plan, this.arena),
      access: new PlanAccess('compile', compiled.variables),
      watch: new VersionWatch(compiled.variables),
    };
  }

  #leafOf(key: string, node: Tensor): Variable {
    const kept = this.#kept.get(key) ?? { node, leaf: leafLike(node), readers: 0 };
    if (kept.readers++ === 0) {
      this.#kept.set(key, kept);
      this.#forgetPlan();
      this.#isStale = true;
    }
    return kept.leaf;
  }

  #detach(read: readonly string[]): void {
    for (const key of read) {
      const kept = this.#kept.get(key);
      if (!kept || --kept.readers > 0) continue;
      this.#kept.delete(key);
      this.#forgetPlan();
      // There is no watch without a plan.
      this.#isStale = true;
    }
  }

  #forgetPlan(): void {
    this.#preparation?.executable.release();
    this.#preparation?.access.release();
    this.#preparation = undefined;
  }
}

/** A variable for a value of the same type, without values. */
export function leafLike({ shape, dtype }: Tensor): Variable {
  return new Variable(new AlignedStorage(shape, dtype));
}
