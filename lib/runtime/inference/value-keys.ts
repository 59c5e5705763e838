import { createHash } from 'node:crypto';
import { keyOf } from '../../compile/rewrite/simplify.js';
import { reachable, type Tensor } from '../../graph/tensor.js';

/** Keys of the values of nodes in several traces: equal keys mean that the same is computed from the same leaves. */
export class ValueKeys {
  readonly #known = new Map<Tensor, string>();

  of(node: Tensor): string {
    for (const part of reachable([node], (below) => this.#known.has(below))) {
      if (this.#known.has(part)) continue;
      const text = keyOf(part, (input) => this.#known.get(input) as string);
      this.#known.set(part, text === null ? `leaf ${part.id}` : digest(text));
    }
    return this.#known.get(node) as string;
  }
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64');
}
