/** In a program for `addon.combine`: adds the two values before it. */
export const ADD = -1;

/** One thing that a worker does on the way to the sum over its shards. A slot holds the gradients of one or more shards. */
export type ShardStep =
  | { readonly kind: 'compute'; readonly shard: number; readonly slot: number }
  | { readonly kind: 'add'; readonly slot: number; readonly to: number };

/** How the gradients of all shards of a batch become one sum. */
export interface Reduction {
  /** The number of slots. */
  readonly slots: number;
  /** By rank, what each worker does alone. */
  readonly work: readonly (readonly ShardStep[])[];
  /** The sum over what is then in slots, in postfix; see `addon.combine`. */
  readonly program: Int32Array;
}

/** A node of the tree: the shards from `index << level` on, `1 << level` of them or up to the last. */
interface Node {
  readonly level: number;
  readonly index: number;
}

/**
 * Deals shards to workers and says in which slots their gradients are added. The additions are always those of one binary
 * tree, in which neighbours are added in pairs, then pairs of pairs, and a shard that is left over joins at the end:
 * ((s0 + s1) + (s2 + s3)) + s4. So the sum has the same bits for any number of workers. A worker adds what is complete as
 * soon as it is, and so fills no more slots than the tree has levels, twice where its first shard is in the middle.
 *
 * @param present for each shard whether it has rows; those without leave the tree as if they were zeros
 */
export function planReduction(present: readonly boolean[], workers: number): Reduction {
  const shards = present.length;
  const holders = new Map<string, number>();
  let slots = 0;
  const work = Array.from({ length: workers }, (_, rank) => {
    const first = Math.floor((shards * rank) / workers);
    const end = Math.floor((shards * (rank + 1)) / workers);
    const worker = new SlotWorker(present, slots);
    for (let shard = first; shard < end; shard++) if (present[shard]) worker.compute(shard);
    slots += worker.slots;
    for (const { node, slot } of worker.held) holders.set(keyOf(node), slot);
    return worker.steps;
  });
  const program: number[] = [];
  const visit = (node: Node): void => {
    const slot = holders.get(keyOf(node));
    if (slot !== undefined) {
      program.push(slot);
      return;
    }
    const halves = childrenOf(node).filter((child) => hasShards(present, child));
    for (const half of halves) visit(half);
    if (halves.length === 2) program.push(ADD);
  };
  visit({ level: Math.ceil(Math.log2(shards)), index: 0 });
  return { slots, work, program: Int32Array.from(program) };
}

/** What one worker holds while it computes its shards one after another. */
class SlotWorker {
  readonly steps: ShardStep[] = [];
  readonly held: { node: Node; slot: number }[] = [];
  readonly #free: number[] = [];
  slots = 0;

  constructor(
    private readonly present: readonly boolean[],
    private readonly firstSlot: number,
  ) {}

  compute(shard: number): void {
    const slot = this.#free.pop() ?? this.firstSlot + this.slots++;
    this.steps.push({ kind: 'compute', shard, slot });
    this.#hold({ level: 0, index: shard }, slot);
  }

  /** Goes up the tree as far as all that is below is there. */
  #hold(node: Node, slot: number): void {
    const top = Math.ceil(Math.log2(this.present.length));
    let { level, index } = node;
    let at = slot;
    for (; level < top; level++, index >>= 1) {
      const sibling = { level, index: index ^ 1 };
      if (!hasShards(this.present, sibling)) continue;
      // What stands to the right comes later, if it is this worker's at all.
      const left = index % 2 === 1 ? this.held.at(-1) : undefined;
      if (!left || keyOf(left.node) !== keyOf(sibling)) break;
      this.held.pop();
      this.steps.push({ kind: 'add', slot: at, to: left.slot });
      this.#free.push(at);
      at = left.slot;
    }
    this.held.push({ node: { level, index }, slot: at });
  }
}

function hasShards(present: readonly boolean[], { level, index }: Node): boolean {
  for (let shard = index << level; shard < (index + 1) << level; shard++) if (present[shard]) return true;
  return false;
}

function childrenOf({ level, index }: Node): Node[] {
  return [
    { level: level - 1, index: 2 * index },
    { level: level - 1, index: 2 * index + 1 },
  ];
}

function keyOf({ level, index }: Node): string {
  return `${level}/${index}`;
}
