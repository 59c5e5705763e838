import { at } from '../../graph/at.js';
import { addon } from '../../runtime/addon.js';

/**
 * Shards of one worker whose gradients it adds up on its own. The gradients of each unit go to a slot, which is free again
 * once they have been added to another slot.
 */
export interface ShardGroup {
  /** Neighbouring shards that one plan computes at once, and adds up itself; or one shard each. */
  readonly units: readonly (readonly number[])[];
  /** The slot of each unit; the first one finally holds the sum. */
  readonly slots: readonly number[];
  /** The sum over the units, by their index in this list, in postfix. */
  readonly program: Int32Array;
}

/** Fixed order in which the gradients of all shards of a batch are added. */
export interface ReductionTree {
  /** The number of slots. */
  readonly slots: number;
  /** The groups that each worker adds up on its own, by rank. */
  readonly work: readonly (readonly ShardGroup[])[];
  /** The sum over the slots filled by all workers, in postfix; see `addon.combine`. */
  readonly program: Int32Array;
  /** The same sum over the shards, by their numbers. */
  readonly order: Int32Array;
}

/** A node of the tree: the `1 << level` shards from `index << level` on, or fewer at the end. */
interface Node {
  readonly level: number;
  readonly index: number;
}

/**
 * Assigns shards to workers, and gradients to slots. The additions always follow one binary tree: neighbours are added
 * in pairs, then pairs of pairs, and a shard left over joins at the end: ((s0 + s1) + (s2 + s3)) + s4. The sum
 * therefore has the same bits for any number of workers. A worker adds subtrees as soon as they are complete, so it
 * uses no more slots than the tree has levels, or twice as many if its shards begin in the middle of the tree.
 *
 * @param present true for each shard that has rows; a shard without rows is left out, as if its gradients were zero
 * @param apart true to keep the gradients of each unit in a slot of its own, because none is complete before the others
 * @param atOnce the numbers of shards, above 1, that one plan can compute at once
 */
export function planReductionTree(
  present: readonly boolean[],
  workers: number,
  apart = false,
  atOnce: ReadonlySet<number> = new Set(),
): ReductionTree {
  const shards = present.length;
  const holders = new Map<string, number>();
  let slots = 0;
  const work = Array.from({ length: workers }, (_, rank) => {
    const first = Math.floor((shards * rank) / workers);
    const end = Math.floor((shards * (rank + 1)) / workers);
    const worker = new SlotWorker(present, slots, atOnce);
    for (let shard = first; shard < end; shard++) if (present[shard]) worker.compute(shard);
    const held = apart ? worker.unitsApart() : worker.held;
    slots += apart ? held.length : worker.slots;
    for (const { node, slots: own } of held) holders.set(keyOf(node), at(own, 0));
    return held.map(({ units, slots: used, words }) => ({
      units: units.map((unit) => unit.shards),
      slots: used,
      program: Int32Array.from(words),
    }));
  });
  const sumOf = (leaf: (node: Node) => number | undefined): Int32Array => {
    const program: number[] = [];
    const visit = (node: Node): void => {
      const word = leaf(node);
      if (word !== undefined) {
        program.push(word);
        return;
      }
      const halves = childrenOf(node).filter((child) => hasShards(present, child));
      for (const half of halves) visit(half);
      if (halves.length === 2) program.push(addon().constants.sums.add);
    };
    const root = { level: Math.ceil(Math.log2(shards)), index: 0 };
    if (hasShards(present, root)) visit(root);
    return Int32Array.from(program);
  };
  return {
    slots,
    work,
    program: sumOf((node) => holders.get(keyOf(node))),
    order: sumOf(({ level, index }) => (level === 0 ? index : undefined)),
  };
}

/**
 * The numbers of neighbouring shards, above 1, whose gradients each of so many workers adds up on its own, as far as one
 * plan can. None where the BLAS multiplies: a row's bits may depend there on the rows that are multiplied with it.
 */
export function shardsAtOnce(shards: number, workers: number): number[] {
  const { ownProducts, mostRuns } = addon().constants.sums;
  if (!ownProducts) return [];
  const { work } = planReductionTree(new Array<boolean>(shards).fill(true), workers);
  const counts = new Set(work.flat().map(({ units }) => Math.min(units.length, mostRuns)));
  return [...counts].filter((count) => count > 1);
}

/** The sum of so many shards in the order of the tree, in postfix. */
export function sumOfShards(shards: number): Int32Array {
  return planReductionTree(new Array<boolean>(shards).fill(true), 1).order;
}

/** A node whose shards one plan computes. */
interface Unit {
  readonly node: Node;
  readonly shards: readonly number[];
}

/** A node whose sum one worker has computed. */
interface Held {
  readonly node: Node;
  readonly units: readonly Unit[];
  readonly slots: readonly number[];
  readonly words: readonly number[];
}

/** Slots and partial sums of one worker, which computes its shards one after another. */
class SlotWorker {
  readonly held: Held[] = [];
  readonly #free: number[] = [];
  slots = 0;

  constructor(
    private readonly present: readonly boolean[],
    private readonly firstSlot: number,
    private readonly atOnce: ReadonlySet<number>,
  ) {}

  /** Adds a shard, and joins it with its siblings up the tree for as long as both subtrees are complete. */
  compute(shard: number): void {
    const top = Math.ceil(Math.log2(this.present.length));
    const slot = this.#free.pop() ?? this.firstSlot + this.slots++;
    const leaf = { level: 0, index: shard };
    let sum: Held = { node: leaf, units: [{ node: leaf, shards: [shard] }], slots: [slot], words: [0] };
    for (; sum.node.level < top; sum = { ...sum, node: parentOf(sum.node) }) {
      const { level, index } = sum.node;
      const sibling = { level, index: index ^ 1 };
      if (!hasShards(this.present, sibling)) continue;
      // A right sibling is computed later, if it belongs to this worker at all.
      const left = index % 2 === 1 ? this.held.at(-1) : undefined;
      if (!left || keyOf(left.node) !== keyOf(sibling)) break;
      this.held.pop();
      this.#free.push(at(sum.slots, 0));
      sum = { ...this.#asUnit(added(left, sum)), node: sum.node };
    }
    this.held.push(sum);
  }

  /** The units of what is held, each in a slot of its own. */
  unitsApart(): Held[] {
    const units = this.held.flatMap((sum) => sum.units);
    return units.map((unit, i) => ({
      node: unit.node,
      units: [unit],
      slots: [this.firstSlot + i],
      words: [0],
    }));
  }

  /** The sum of both halves of a node, computed by one plan if there is one. */
  #asUnit(sum: Held): Held {
    const shards = sum.units.flatMap((unit) => unit.shards);
    if (!this.atOnce.has(shards.length)) return sum;
    const node = parentOf(sum.node);
    return { ...sum, units: [{ node, shards }], slots: [at(sum.slots, 0)], words: [0] };
  }
}

function added(left: Held, right: Held): Held {
  const { add } = addon().constants.sums;
  const words = right.words.map((word) => (word === add ? add : word + left.units.length));
  return {
    node: left.node,
    units: [...left.units, ...right.units],
    slots: [...left.slots, ...right.slots],
    words: [...left.words, ...words, add],
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
