import { readFileSync } from 'node:fs';
import { type Tensor, tensor } from 'chainrule';

/** A text as numbers: the index of each character in the alphabet. */
export interface Text {
  readonly alphabet: readonly string[];
  readonly codes: Int32Array;
}

/** The first nine chapters of Pride and Prejudice (Jane Austen, 1813): 74,531 characters, 71 different ones. */
export function readText(): Text {
  const text = readFileSync(
    new URL('../../../examples/data/pride-and-prejudice.txt', import.meta.url),
    'utf8',
  );
  const alphabet = [...new Set(text)].sort();
  const place = new Map(alphabet.map((character, i) => [character, i]));
  return { alphabet, codes: Int32Array.from(text, (character) => place.get(character) as number) };
}

/** Characters between the starts of windows: a prime, so that they spread over the text. */
const STRIDE = 7919;

/** The windows of one step, and the characters that follow: both int32 [batch, context]. */
export function windows(
  { codes }: Text,
  { step, batch, context }: { readonly step: number; readonly batch: number; readonly context: number },
): { inputs: Tensor; targets: Tensor } {
  const inputs = new Int32Array(batch * context);
  const targets = new Int32Array(batch * context);
  for (let row = 0; row < batch; row++) {
    const start = ((step * batch + row) * STRIDE) % (codes.length - context - 1);
    inputs.set(codes.subarray(start, start + context), row * context);
    targets.set(codes.subarray(start + 1, start + context + 1), row * context);
  }
  const shape = [batch, context];
  return { inputs: tensor(inputs, { shape }), targets: tensor(targets, { shape }) };
}
