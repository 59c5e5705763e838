import type { Prepared } from '../../lib/bench/peer.js';

// Readers of the answers that peers' programs give. What does not fit is refused, with the answer itself.

type Fields = Readonly<Record<string, unknown>>;

/** @throws if the answer is no version */
export function versionOf(answer: unknown): string {
  const { version } = fieldsOf(answer);
  return typeof version === 'string' ? version : refuse('its version', answer);
}

/** @throws if the answer does not describe a model */
export function prepared(answer: unknown): Prepared {
  const { parameters, variant, remarks } = fieldsOf(answer);
  const texts = Array.isArray(remarks) && remarks.every((remark) => typeof remark === 'string');
  if (!Number.isSafeInteger(parameters) || typeof variant !== 'string' || !texts) {
    return refuse('a model', answer);
  }
  return { parameters: parameters as number, variant, remarks };
}

/** @throws if the answer is no time */
export function milliseconds(answer: unknown): number {
  const { ms } = fieldsOf(answer);
  return typeof ms === 'number' && ms > 0 ? ms : refuse('a time', answer);
}

function fieldsOf(answer: unknown): Fields {
  return typeof answer === 'object' && answer !== null ? (answer as Fields) : {};
}

function refuse(expected: string, answer: unknown): never {
  throw new Error(`it answered ${JSON.stringify(answer).slice(0, 200)} instead of ${expected}`);
}
