/** In a program for `addon.combine`: adds the two values before it. */
export const ADD = -1;

/**
 * Shards of one worker whose gradients it adds up alone. Each shard's gradients go to a slot, which is free again as soon as
 * they have been added to another.
 */
export interface ShardGroup {
  readonly shards: readonly number[];
  /** For each shard its slot; the first one holds the sum in the end. */
  readonly slots: readonly number[];
  /** The sum over the shards, numbered as they stand here, in postfix. */
  readonly program: Int32Array;
}

/** How the gradients of all shards of a batch become one sum. */
export interface ReductionTree {
  /** The number of slots. */
  readonly slots: number;
  /** By rank, what each worker does alone. */
  readonly work: readonly (readonly ShardGroup[])[];
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
export function planReductionTree(present: readonly boolean[], workers: number): ReductionTree {
  const shards = present.length;
  const holders = new Map<string, number>();
  let slots = 0;
  const work = Array.from({ length: workers }, (_, rank) => {
    const first = Math.floor((shards * rank) / workers);
    const end = Math.floor((shards * (rank + 1)) / workers);
    const worker = new SlotWorker(present, slots);
    for (let shard = first; shard < end; shard++) if (present[shard]) worker.compute(shard);
    slots += worker.slots;
    for (const {
      node,
      slots: [slot],
    } of worker.held)
      holders.set(keyOf(node), slot as number);
    return worker.held.map(({ shards: own, slots: used, words }) => ({
      shards: own,
      slots: used,
      program: Int32Array.from(words),
    }));
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

/** A node of the tree that one worker has computed. */
interface Held {
  readonly node: Node;
  readonly shards: readonly number[];
  readonly slots: readonly number[];
  readonly words: readonly number[];
}

/** What one worker holds while it computes its shards one after another. */
class SlotWorker {
  readonly held: Held[] = [];
  readonly #free: number[] = [];
  slots = 0;

  constructor(
    private readonly present: readonly boolean[],
    private readonly firstSlot: number,
  ) {}

  /** Goes up the tree from the shard's leaf as far as all that is below is there. */
  compute(shard: number): void {
    const top = Math.ceil(Math.log2(this.present.length));
    const slot = this.#free.pop() ?? this.firstSlot + this.slots++;
    let sum: Held = { node: { level: 0, index: shard }, shards: [shard], slots: [slot], words: [0] };
    for (; sum.node.level < top; sum = { ...sum, node: parentOf(sum.node) }) {
      const { level, index } = sum.node;
      const sibling = { level, index: index ^ 1 };
      if (!hasShards(this.present, sibling)) continue;
      // What stands to the right comes later, if it is this worker's at all.
      const left = index % 2 === 1 ? this.held.at(-1) : undefined;
      if (!left || keyOf(left.node) !== keyOf(sibling)) break;
      this.held.pop();
      this.#free.push(sum.slots[0] as number);
      sum = { ...added(left, sum), node: sum.node };
    }
    this.held.push(sum);
  }
}

function added(left: Held, right: Held): Held {
  const words = right.words.map((word) => (word === ADD ? ADD : word + left.shards.length));
  return {
    node: left.node,
    shards: [...left.shards, ...right.shards],
    slots: [...left.slots, ...right.slots],
    words: [...left.words, ...words, ADD],
  };
}

function parentOf({ level, index }: Node): Node {
  return { level: level + 1, index: index >> 1 };
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
