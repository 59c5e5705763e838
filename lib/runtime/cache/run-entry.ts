import type { TypedArray } from '../../graph/dtype.js';
import { constant } from '../../graph/leaf.js';
import type { Storage } from '../../graph/storage.js';
import type { Tensor } from '../../graph/tensor.js';
import type { Arena } from '../arena.js';
import { bind, type MemoryOf, ownMemory } from '../bind.js';
import type { RandomState } from '../executable.js';
import type { FiniteValues } from '../finite-values.js';
import { mapTensors, type Result } from '../traced-results.js';
import type { CompiledEntry } from './compiled-entry.js';

/** What a run of a compiled function is given. */
export interface RunArguments {
  readonly values: readonly TypedArray[];
  /** Other memory of some variables. */
  readonly others: ReadonlyMap<Storage, TypedArray>;
  readonly random: RandomState;
}

type Produced = ReadonlyMap<Tensor, TypedArray>;

/** Runs a compiled function once nobody writes what it reads, and returns its results. */
export async function execute(entry: CompiledEntry, given: RunArguments): Promise<Result> {
  const { finite, executable, access } = entry;
  const { values, random } = given;
  const run = async (memoryOf: MemoryOf) => {
    const { bindings, produced } = bindEntry(entry, given, memoryOf);
    await executable.runWhereCheapest(bindings, random);
    if (finite && !finite.areFinite(produced)) return undefined;
    finite?.assign(produced);
    for (const hook of entry.afterRun) hook();
    return produced;
  };
  const produced = await (access ? access.run(executable.isShort, run) : run(ownMemory));
  // Reads the variables itself.
  if (!produced) throw await (finite as FiniteValues).refusal(entry.inputs, values, random);
  return resultOf(entry, produced);
}

/**
 * The same at once, without a turn of the queue of microtasks. Returns undefined, and does nothing, if the run is not short
 * or has to wait.
 */
export function executeNow(
  entry: CompiledEntry,
  given: RunArguments,
  arena: Arena,
): { readonly value: Result } | undefined {
  const { finite, executable, access } = entry;
  if (finite || !executable.isShort) return undefined;
  const run = (memoryOf: MemoryOf) => {
    arena.announce(entry.arenaBytes);
    const { bindings, produced } = bindEntry(entry, given, memoryOf);
    executable.runShort(bindings, given.random);
    for (const hook of entry.afterRun) hook();
    return produced;
  };
  const produced = access ? access.runNow(run) : run(ownMemory);
  return produced && { value: resultOf(entry, produced) };
}

function bindEntry(
  { compiled, finite, outputs }: CompiledEntry,
  { values, others }: RunArguments,
  memoryOf: MemoryOf,
) {
  const memory: MemoryOf =
    others.size === 0 ? memoryOf : (storage) => others.get(storage) ?? memoryOf(storage);
  return bind(compiled, values, finite?.nodes ?? outputs, memory);
}

function resultOf({ result }: CompiledEntry, produced: Produced): Result {
  return mapTensors(result, (node) => constant(produced.get(node) as TypedArray, node.shape, node.dtype));
}
