import * as cr from 'chainrule';
import { ChainruleError, nn, tensor, zeros } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { signatureOf } from '#lib/graph/arguments/checked.js';

type Callable = (...args: readonly unknown[]) => unknown;

/** The public functions and classes, by the path under which users find them. */
function publicValues(of: object = cr, prefix = ''): [path: string, value: Callable][] {
  return Object.entries(of).flatMap(([name, value]): [string, Callable][] => {
    if (value?.[Symbol.toStringTag] === 'Module') return publicValues(value, `${prefix}${name}.`);
    return typeof value === 'function' ? [[prefix + name, value]] : [];
  });
}

const isClass = (value: Callable) => Function.prototype.toString.call(value).match(/^class[\s{]/) !== null;
const functions = publicValues().filter(([, value]) => !isClass(value));
/** Not those that users only compare with: an error, and the nodes that ops make. */
const classes = publicValues().filter(
  ([path, value]) => isClass(value) && !['ChainruleError', 'Tensor'].includes(path),
);

const throwing = new Proxy({}, { get: () => expect.fail('read'), ownKeys: () => expect.fail('listed') });
const circular: unknown[] = [];
circular.push(circular);

/** What a caller may hand over by mistake. */
const hostile: readonly unknown[] = [
  undefined,
  null,
  Number.NaN,
  -1,
  0,
  1,
  1.5,
  2 ** 53,
  Number.POSITIVE_INFINITY,
  'x',
  '',
  true,
  {},
  [],
  [[]],
  [Number.NaN],
  [1, 2],
  new Array(1),
  circular,
  { a: 1 },
  { constructor: 1 },
  Object.create(null),
  throwing,
  Symbol('s'),
  10n,
  () => 1,
  class {},
  new Date(0),
  new Map(),
  new Float32Array(2),
  new Uint8Array(3),
  new BigInt64Array(1),
  new DataView(new ArrayBuffer(8)),
  Promise.resolve(1),
  zeros([2]),
  zeros([2, 3]),
  zeros([1, 2, 4]),
  zeros([2, 3, 4, 4]),
  tensor([1, 0], { dtype: 'int32' }),
  tensor([1, 0], { dtype: 'bool' }),
  new nn.ReLU(),
  nn.ReLU,
];

/** Lists of hostile arguments, the same at every run. */
function* argumentLists(count: number, seed: number): Generator<readonly unknown[]> {
  let state = seed;
  const draw = (limit: number) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % limit;
  };
  yield [];
  for (const value of hostile) yield [value];
  for (let i = 0; i < count; i++)
    yield Array.from({ length: 1 + draw(5) }, () => hostile[draw(hostile.length)]);
}

/** What a call throws or rejects with; undefined if it succeeds. */
async function failureOf(call: () => unknown): Promise<unknown> {
  try {
    const result = call();
    if (result instanceof Promise) await result;
    return undefined;
  } catch (error) {
    return error;
  }
}

/** Errors of the system, which name the file. */
const isSystemError = (error: unknown) => error instanceof Error && 'syscall' in error;

describe('public functions', () => {
  it.each(functions)('%s has a signature', (_, fn) => {
    expect(signatureOf(fn)).toBeDefined();
  });

  // Called with a callback that is no function of tensors, a few run user code, whose errors are the user's.
  it.each([...functions, ...classes])(
    '%s refuses hostile arguments with a ChainruleError',
    async (path, value) => {
      const call = (args: readonly unknown[]) =>
        isClass(value) ? Reflect.construct(value, args) : value(...args);
      for (const args of argumentLists(40, path.length * 7919)) {
        const error = await failureOf(() => call(args));
        if (error === undefined || error instanceof ChainruleError || isSystemError(error)) continue;
        expect.fail(`${path} threw ${String(error)} for ${args.length} arguments: ${args.map(String)}`);
      }
    },
  );
});
