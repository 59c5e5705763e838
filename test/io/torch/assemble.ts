import { forge } from '../zip/forge.js';

/** Instructions of a pickle, put together by hand: text stands for its bytes in latin1. */
export type Code = string | Uint8Array | readonly Code[];

export function assemble(code: Code): Buffer {
  if (typeof code === 'string') return Buffer.from(code, 'latin1');
  return code instanceof Uint8Array ? Buffer.from(code) : Buffer.concat(code.map(assemble));
}

/** A pickle of protocol 2 whose value the code leaves on the stack. */
export const pickleOf = (...code: Code[]): Buffer => assemble(['\x80\x02', ...code, '.']);

/** What a number takes: `BININT`, or eight bytes of `LONG1`. */
export function int(value: number): Code {
  if (value >= -(2 ** 31) && value < 2 ** 31) {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32LE(value);
    return ['J', bytes];
  }
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(BigInt(value));
  return ['\x8a\x08', bytes];
}

export function text(value: string): Code {
  const bytes = Buffer.from(value);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes.length);
  return ['X', length, bytes];
}

export const global = (name: string): Code => {
  const at = name.lastIndexOf('.');
  return `c${name.slice(0, at)}\n${name.slice(at + 1)}\n`;
};

export const tuple = (...items: Code[]): Code => ['(', ...items, 't'];
export const list = (...items: Code[]): Code => ['](', ...items, 'e'];
export const dict = (...items: [key: Code, value: Code][]): Code => ['}(', ...items.flat(), 'u'];
export const call = (name: string, ...args: Code[]): Code => [global(name), tuple(...args), 'R'];

/** What a tensor is made by. */
interface Parts {
  /** Persistent id of the storage, in place of the four parts of it. */
  readonly id?: Code;
  /** Class of the storage. */
  readonly type?: string;
  readonly storage?: Code;
  readonly elements?: Code;
  readonly offset?: Code;
  readonly size?: Code;
  readonly stride?: Code;
  /** Arguments behind the usual ones. */
  readonly more?: readonly Code[];
}

/** A tensor of two rows and three columns, unless the parts are others. */
export function tensor(parts: Parts = {}): Code {
  const { type = 'torch.FloatStorage', storage = text('0'), elements = int(6), more = [] } = parts;
  const { offset = int(0), size = tuple(int(2), int(3)), stride = tuple(int(3), int(1)) } = parts;
  const id = parts.id ?? tuple(text('storage'), global(type), storage, text('cpu'), elements);
  const hooks = call('collections.OrderedDict');
  return call('torch._utils._rebuild_tensor_v2', [id, 'Q'], offset, size, stride, '\x89', hooks, ...more);
}

/** The six floats of the storage that `tensor` refers to. */
export const floats = Float32Array.of(0, 1, 2, 3, 4, 5);

/** A file of `torch.save` with this pickle and storage, and other entries. */
export function archiveOf(pickle: Uint8Array, others: Record<string, Uint8Array | string> = {}): Uint8Array {
  const entries = {
    'data.pkl': pickle,
    byteorder: 'little',
    'data/0': new Uint8Array(floats.buffer),
    version: '3\n',
  };
  return forge(
    Object.entries({ ...entries, ...others }).map(([name, data]) => ({ name: `x/${name}`, data })),
  );
}
