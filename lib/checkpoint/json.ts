/** Numbers that JSON cannot represent. */
const unusual = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0];
const PREFIX = 'number:';

/** JSON that preserves every number, including infinities, NaN and negative zero. */
export function encodeJson(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => {
    const odd = unusual.find((number) => Object.is(number, part));
    if (odd !== undefined) return PREFIX + (Object.is(odd, -0) ? '-0' : odd);
    return typeof part === 'string' && part.startsWith(PREFIX) ? PREFIX + part : part;
  });
}

/** Parses the output of `encodeJson`. */
export function decodeJson(text: string): unknown {
  return JSON.parse(text, (_, part: unknown) => {
    if (typeof part !== 'string' || !part.startsWith(PREFIX)) return part;
    const rest = part.slice(PREFIX.length);
    return rest.startsWith(PREFIX) ? rest : Number(rest);
  });
}
