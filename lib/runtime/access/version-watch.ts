import type { Variable } from '../../graph/leaf.js';
import { gatesOf } from './claim.js';
import type { Gate } from './gate.js';
import { writesEnded } from './writes.js';

/**
 * Tells whether variables have been written since a moment. Whoever writes them says so by a number: calls on this
 * thread by the version of each variable, and threads that train by the number of updates behind their gate.
 */
export class VersionWatch {
  /** Of the last look, after which nobody had written. */
  #writes = Number.NaN;
  #versions: readonly number[] = [];
  #gates: readonly (readonly [gate: Gate, updates: number])[] = [];

  constructor(private readonly variables: readonly Variable[]) {}

  /** Makes this the moment. Values that are read afterwards may be newer, in which case `changed` is true. */
  begin(): void {
    this.#writes = writesEnded();
    this.#versions = this.variables.map(({ storage }) => storage.use.version);
    this.#gates = gatesOf(this.variables).map((gate) => [gate, gate.updates]);
  }

  /** True if there was a write since. Threads that have begun to train meanwhile, or ended, count as one. */
  get changed(): boolean {
    for (const [gate, updates] of this.#gates) if (gate.updates !== updates) return true;
    const writes = writesEnded();
    if (writes === this.#writes) return false;
    if (this.variables.some(({ storage }, i) => storage.use.version !== this.#versions[i])) return true;
    this.#writes = writes;
    return false;
  }
}
