import { invalid } from '../../graph/errors.js';
import type { FileTensor } from '../file-dtypes.js';
import { requireBounded } from './bounds.js';
import type { Elements } from './elements.js';
import { Global } from './pickle/globals.js';
import { Storage, TorchDType, TorchTensor } from './tensor.js';

/** The nesting that is followed, far more than people's. */
const MOST_DEPTH = 500;

/**
 * What was saved, as JavaScript has it: dicts whose keys are all text become objects without a prototype, others Maps;
 * dtypes become their names. What was shared is shared, also tensors.
 *
 * @param label what errors begin with
 */
export async function toPlain(label: string, root: unknown, elements: Elements): Promise<unknown> {
  const groups = sameElements(tensorsIn(root));
  requireBounded(
    label,
    groups.map(([tensor]) => tensor),
  );
  const read = new Map<TorchTensor, FileTensor>();
  for (const [tensor, ...same] of groups) {
    const values = await elements.read(tensor.storage.source.label, tensor);
    for (const one of [tensor, ...same]) read.set(one, values);
  }
  return new Plain(label, read).of(root, 0);
}

/** Tensors in groups that have the same elements, as parameters that are tied. Those of a storage follow each other. */
function sameElements(tensors: Iterable<TorchTensor>): [TorchTensor, ...TorchTensor[]][] {
  const storages = new Map<unknown, Map<string, [TorchTensor, ...TorchTensor[]]>>();
  for (const tensor of tensors) {
    const { storage, dtype, layout } = tensor;
    const places = storages.get(storage.source) ?? new Map();
    storages.set(storage.source, places);
    const place = `${dtype} ${layout.offset} ${layout.shape} ${layout.strides}`;
    const group = places.get(place);
    if (group) group.push(tensor);
    else places.set(place, [tensor]);
  }
  return [...storages.values()].flatMap((places) => [...places.values()]);
}

/** All tensors that a value holds, wherever. */
function tensorsIn(root: unknown): ReadonlySet<TorchTensor> {
  const tensors = new Set<TorchTensor>();
  const seen = new Set<unknown>();
  const open = [root];
  while (open.length > 0) {
    const value = open.pop();
    if (value instanceof TorchTensor) tensors.add(value);
    const parts = partsOf(value);
    if (!parts || seen.has(value)) continue;
    seen.add(value);
    for (const part of parts) open.push(part);
  }
  return tensors;
}

function partsOf(value: unknown): Iterable<unknown> | undefined {
  if (value instanceof Map) return [...value.keys(), ...value.values()];
  return Array.isArray(value) || value instanceof Set ? value : undefined;
}

class Plain {
  readonly #label: string;
  readonly #tensors: ReadonlyMap<TorchTensor, FileTensor>;
  /** What each container became, also while it is being filled: it may hold itself. */
  readonly #made = new Map<unknown, unknown>();

  constructor(label: string, tensors: ReadonlyMap<TorchTensor, FileTensor>) {
    this.#label = label;
    this.#tensors = tensors;
  }

  of(value: unknown, depth: number): unknown {
    if (depth > MOST_DEPTH) throw invalid(this.#label, `values are nested in more than ${MOST_DEPTH} levels`);
    const made = this.#made.get(value);
    if (made !== undefined) return made;
    if (value instanceof TorchTensor) return this.#tensors.get(value);
    if (value instanceof Map) return this.#dict(value, depth + 1);
    if (Array.isArray(value)) {
      const list: unknown[] = [];
      this.#made.set(value, list);
      for (const item of value) list.push(this.of(item, depth + 1));
      return list;
    }
    if (value instanceof Set) {
      const set = new Set<unknown>();
      this.#made.set(value, set);
      for (const item of value) set.add(this.of(item, depth + 1));
      return set;
    }
    if (value instanceof TorchDType) return value.name;
    if (value instanceof Global || value instanceof Storage)
      throw invalid(
        this.#label,
        `holds ${value instanceof Global ? value.name : 'a storage'}, which is not data`,
      );
    return value;
  }

  #dict(dict: ReadonlyMap<unknown, unknown>, depth: number): unknown {
    if (![...dict.keys()].every((key) => typeof key === 'string')) {
      const map = new Map<unknown, unknown>();
      this.#made.set(dict, map);
      for (const [key, item] of dict) map.set(this.of(key, depth), this.of(item, depth));
      return map;
    }
    const object: Record<string, unknown> = Object.create(null);
    this.#made.set(dict, object);
    for (const [key, item] of dict) object[key as string] = this.of(item, depth);
    return object;
  }
}
