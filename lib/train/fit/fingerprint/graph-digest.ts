import { createHash, type Hash } from 'node:crypto';
import { formatType } from '../../../graph/errors.js';
import { isInput, storedValue, Variable } from '../../../graph/leaf.js';
import { Body } from '../../../graph/loop.js';
import { reachable, Tensor } from '../../../graph/tensor.js';

/** Hexadecimal digits of a digest. */
const DIGITS = 16;

/** A digest of some text or bytes. */
export function digestOf(...parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return short(hash);
}

function short(hash: Hash): string {
  return hash.digest('hex').slice(0, DIGITS);
}

/** How the text of a graph names the variables in it. */
export type NameOf = (variable: Variable) => string;

/**
 * A digest of the structure of a graph: its ops with their attributes, shapes and dtypes, its constants with their
 * values, and the names of its variables, whose values do not count.
 */
export function graphDigest(
  roots: readonly Tensor[],
  nameOf: NameOf,
  placeholders: readonly Tensor[] = [],
): string {
  const hash = createHash('sha256');
  const places = new Map(placeholders.map((node, i) => [node, `placeholder ${i}`]));
  const text = new NodeText(nameOf, (node) => places.get(node));
  for (const node of reachable(roots)) {
    if (isLeaf(node)) continue;
    places.set(node, `${places.size}`);
    hash.update(`${text.of(node)}\n`);
  }
  hash.update(roots.map((root) => text.reference(root)).join());
  return short(hash);
}

/**
 * A digest of the nodes that each layer makes in its forward phase. A node of another layer counts as its type alone, so that a change in a layer is one of this layer.
 */
export function layerDigests(roots: readonly Tensor[], nameOf: NameOf): Map<string, string> {
  const hashes = new Map<string, { readonly hash: Hash; readonly places: Map<Tensor, string> }>();
  for (const node of reachable(roots)) {
    const { layer, phase } = node.origin ?? {};
    if (layer === undefined || phase !== 'forward' || isLeaf(node)) continue;
    const { hash, places } = hashes.get(layer) ?? { hash: createHash('sha256'), places: new Map() };
    hashes.set(layer, { hash, places });
    places.set(node, `${places.size}`);
    const text = new NodeText(nameOf, (other) => places.get(other));
    hash.update(`${text.of(node)}\n`);
  }
  return new Map([...hashes].map(([layer, { hash }]) => [layer, short(hash)]));
}

function isLeaf(node: Tensor): boolean {
  return node.op.kernel.family === 'leaf';
}

function typeOf({ op, dtype, shape }: Tensor): string {
  return `${op.kind} ${dtype}[${shape.join()}]`;
}

/** Writes nodes as text. */
class NodeText {
  constructor(
    private readonly nameOf: NameOf,
    private readonly placeOf: (node: Tensor) => string | undefined,
  ) {}

  of(node: Tensor): string {
    const inputs = node.inputs.map((input) => this.reference(input));
    return `${typeOf(node)} (${inputs.join()}) ${this.#value(node.attributes)}`;
  }

  /** A node as another one refers to it; a leaf as a whole. */
  reference(node: Tensor): string {
    const place = this.placeOf(node);
    // The kind of a node of another layer is that layer's.
    if (place !== undefined || !isLeaf(node)) return place ?? formatType(node);
    if (node instanceof Variable) return `${typeOf(node)} ${this.nameOf(node)}`;
    if (isInput(node)) return `${typeOf(node)} ${node.attributes.name}`;
    const stored = storedValue(node);
    return `${typeOf(node)} ${stored ? this.#value(stored) : this.#value(node.attributes)}`;
  }

  #value(value: unknown): string {
    if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value);
    if (typeof value === 'string') return JSON.stringify(value);
    // What a function does shows in the nodes that it makes.
    if (typeof value === 'function') return 'function';
    if (typeof value !== 'object' || value === null) return String(value);
    if (value instanceof Tensor) return this.reference(value);
    if (value instanceof Body) return this.#body(value);
    if (ArrayBuffer.isView(value)) {
      const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
      return `${value.constructor.name} ${digestOf(bytes)}`;
    }
    if (Array.isArray(value)) return `[${value.map((part) => this.#value(part)).join()}]`;
    const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${entries.map(([name, part]) => `${name}:${this.#value(part)}`).join()}}`;
  }

  #body({ placeholders, results }: Body): string {
    return `body (${placeholders.map(typeOf).join()}) ${graphDigest(results, this.nameOf, placeholders)}`;
  }
}
