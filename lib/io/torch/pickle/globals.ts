import type { ChainruleError } from '../../../graph/errors.js';

/** A call that a pickle asks for, and what the function may do besides. */
export interface Call {
  readonly args: readonly unknown[];
  /** The error for arguments that the function does not take. */
  error(rule: string, received?: unknown): ChainruleError;
  /** Counts items that are about to be copied; throws if a pickle has more copied than it holds. */
  copies(items: number): void;
}

/** A class or function that a pickle may name. It is one of ours, whatever Python has under that name. */
export class Global {
  readonly name: string;
  /** What a call gives; without it, a call is refused. */
  readonly call: ((call: Call) => unknown) | undefined;

  constructor(name: string, call?: (call: Call) => unknown) {
    this.name = name;
    this.call = call;
  }
}

/** What the instructions of a pickle may reach outside of it. */
export interface Surroundings {
  /** The class or function of a name; undefined for one that is refused. */
  find(name: string): Global | undefined;
  /** Why a name is refused. */
  refusal(name: string): string;
  /** What a persistent id stands for; throws the `error` of what is wrong. */
  load(id: unknown, error: (rule: string, received?: unknown) => ChainruleError): unknown;
}

/** What Python's own containers are pickled with, where no instruction makes them. */
export const pythonGlobals: readonly Global[] = [
  new Global('collections.OrderedDict', ({ args, error, copies }) => {
    if (args.length === 0) return new Map();
    const pairs = onlyList(args, error);
    copies(pairs.length);
    return new Map(
      pairs.map((pair): [unknown, unknown] => {
        if (!Array.isArray(pair) || pair.length !== 2) throw error('an OrderedDict is made of pairs', pair);
        return [pair[0], pair[1]];
      }),
    );
  }),
  new Global('collections.Counter', ({ args, error, copies }) => {
    const [counts = new Map(), ...surplus] = args;
    if (!(counts instanceof Map) || surplus.length > 0) throw error('a Counter is made of a dict', args);
    copies(counts.size);
    return new Map(counts);
  }),
  new Global('collections.defaultdict', ({ args, error }) => {
    const [factory = null, ...surplus] = args;
    // It is never called, since no key is asked for here.
    if (!(factory === null || factory instanceof Global) || surplus.length > 0)
      throw error('a defaultdict is made of a class', args);
    return new Map();
  }),
  new Global('builtins.set', setOf),
  new Global('builtins.frozenset', setOf),
  new Global('builtins.bytes', ({ args, error }) => {
    if (args.length > 0) throw error('bytes() takes no arguments', args);
    return new Uint8Array(0);
  }),
  new Global('builtins.bytearray', ({ args, error, copies }) => {
    const [bytes = new Uint8Array(0), ...surplus] = args;
    if (!(bytes instanceof Uint8Array) || surplus.length > 0)
      throw error('a bytearray is made of bytes', args);
    copies(bytes.length);
    return bytes.slice();
  }),
  // How protocol 2 has bytes.
  new Global('_codecs.encode', ({ args, error, copies }) => {
    const [text, encoding, ...surplus] = args;
    if (typeof text !== 'string' || encoding !== 'latin1' || surplus.length > 0)
      throw error('_codecs.encode is for text and latin1 alone', args);
    copies(text.length);
    return Uint8Array.from(text, (character) => {
      const code = character.codePointAt(0) as number;
      if (code > 255) throw error('a text for latin1 must have characters up to 255', code);
      return code;
    });
  }),
  ...['bool', 'dict', 'float', 'int', 'list', 'long', 'str', 'tuple', 'unicode'].map(
    (name) => new Global(`builtins.${name}`),
  ),
];

function setOf({ args, error, copies }: Call): Set<unknown> {
  const items = args.length === 0 ? [] : onlyList(args, error);
  copies(items.length);
  return new Set(items);
}

function onlyList(args: readonly unknown[], error: Call['error']): readonly unknown[] {
  const [list, ...surplus] = args;
  if (!Array.isArray(list) || surplus.length > 0)
    throw error('it must have a list as its one argument', args);
  return list;
}
