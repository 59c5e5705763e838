import { addon } from '../addon.js';
import { type MemorySize, resolveMemory, sizeInBytes } from '../memory-size.js';
import { usableMemory } from '../usable-memory.js';

/** The limit of a cache by default: room for hundreds of shapes of most models, but not too much of a small container. */
const MOST_BY_DEFAULT = 256e6;
const SHARE_BY_DEFAULT = 1 / 8;

/** Bytes that are kept without a question: limits are read from a dozen files, which takes longer than a small plan. */
const UNQUESTIONED = 2 ** 20;

/** The limit that an option asks for, or the default, which is looked up when more than a little is kept. */
export function cacheLimit(op: string, asked: MemorySize | undefined): (kept: number) => number {
  if (asked === undefined) {
    let limit: number | undefined;
    return (kept) => {
      if (limit === undefined && kept < UNQUESTIONED) return UNQUESTIONED;
      limit ??= Math.min(MOST_BY_DEFAULT, Math.floor(SHARE_BY_DEFAULT * usableMemory().bytes));
      return limit;
    };
  }
  const bytes = asked === 'auto' ? resolveMemory(op, asked).bytes : sizeInBytes(asked);
  return () => bytes;
}

/** What a function keeps for one combination of shapes and modes. */
export interface Cached {
  /** The memory that it takes while it is kept. */
  readonly bytes: number;
  /** True while it may be used, as the modes are those of its trace. */
  readonly holds: boolean;
  /** Frees the memory at once. It is used no more. */
  free(): void;
}

/** Plans by a key. Beyond a limit in bytes, those that were used least recently are freed. */
export class PlanCache<P extends Cached> {
  /** By key, the one used last first. */
  readonly #byKey = new Map<string, P[]>();
  /** With their keys, the one used least recently first. */
  readonly #byUse = new Map<P, string>();
  #last: P | undefined;
  #bytes = 0;

  /** @param limit in bytes, where so many are kept */
  constructor(private readonly limit: (kept: number) => number) {}

  /** Bytes of all that it keeps. */
  get bytes(): number {
    return this.#bytes;
  }

  /** All that it keeps. */
  get plans(): P[] {
    return [...this.#byUse.keys()];
  }

  /** A plan that may be used, if there is one. */
  get(key: string): P | undefined {
    const known = this.#byKey.get(key);
    const found = known?.find((plan) => plan.holds);
    if (!known || !found) return undefined;
    if (found === this.#last) return found;
    if (found !== known[0]) known.unshift(...known.splice(known.indexOf(found), 1));
    this.#byUse.delete(found);
    this.#byUse.set(found, key);
    this.#last = found;
    return found;
  }

  /** Keeps a plan, which may itself exceed the limit, and frees others to stay within it. */
  add(key: string, plan: P): void {
    this.#byKey.set(key, [plan, ...(this.#byKey.get(key) ?? [])]);
    this.#byUse.set(plan, key);
    this.#last = plan;
    this.#bytes += plan.bytes;
    const limit = this.limit(this.#bytes);
    for (const oldest of this.#byUse.keys()) {
      if (this.#bytes <= limit || oldest === plan) return;
      this.delete(oldest);
    }
  }

  /** Frees a plan that it keeps. */
  delete(plan: P): void {
    const key = this.#byUse.get(plan);
    if (key === undefined) return;
    const others = this.#byKey.get(key)?.filter((other) => other !== plan) ?? [];
    if (others.length > 0) this.#byKey.set(key, others);
    else this.#byKey.delete(key);
    this.#byUse.delete(plan);
    this.#bytes -= plan.bytes;
    if (this.#last === plan) this.#last = undefined;
    plan.free();
  }

  /** Frees all plans, and returns their memory to the system. */
  clear(): void {
    for (const plan of [...this.#byUse.keys()]) this.delete(plan);
    addon().trimMemory();
  }
}
