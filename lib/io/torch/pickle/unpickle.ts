import type { ChainruleError } from '../../../graph/errors.js';
import { Cursor } from './cursor.js';
import { Global } from './globals.js';
import { integerOf } from './integers.js';
import { nameOf, Op } from './opcodes.js';
import { Stack } from './stack.js';

/** What the instructions of a pickle may reach outside of it. */
export interface Surroundings {
  /** The class or function of a name; undefined for one that is refused. */
  find(name: string): Global | undefined;
  /** Why a name is refused. */
  refusal(name: string): string;
  /** What a persistent id stands for; throws the `error` of what is wrong. */
  load(id: unknown, error: (rule: string, received?: unknown) => ChainruleError): unknown;
}

/** Longest integer, in bytes: to print a longer one takes long. */
const MOST_INTEGER = 1024;

/**
 * The value of a pickle, by the instructions of protocols 2 to 5 that plain data take. Lists and tuples are arrays, dicts
 * are Maps, sets are Sets, bytes are Uint8Arrays, integers are numbers or BigInts. Nothing but the functions of
 * `surroundings` is ever called. Values may be shared, and contain themselves.
 *
 * @param label what errors begin with
 */
export function unpickle(label: string, bytes: Uint8Array, surroundings: Surroundings): unknown {
  return new Machine(label, bytes, surroundings).run();
}

class Machine {
  readonly #cursor: Cursor;
  readonly #surroundings: Surroundings;
  readonly #stack: Stack;
  readonly #memo = new Map<number, unknown>();
  /** How many items may still be copied. Each that Python wrote took a byte at least. */
  #copies: number;

  constructor(label: string, bytes: Uint8Array, surroundings: Surroundings) {
    this.#cursor = new Cursor(label, bytes);
    this.#stack = new Stack(this.#cursor);
    this.#surroundings = surroundings;
    this.#copies = bytes.length;
  }

  run(): unknown {
    for (let op = this.#cursor.opcode(); op !== Op.stop; op = this.#cursor.opcode()) {
      if (!this.#pushes(op) && !this.#builds(op) && !this.#names(op))
        throw this.#cursor.error(`the instruction ${nameOf(op)} is refused, which plain data do not take`);
    }
    const value = this.#stack.pop();
    if (this.#stack.length > 0) throw this.#cursor.error('one value must be left', this.#stack.length + 1);
    this.#cursor.end();
    return value;
  }

  /** Instructions that push a value which stands in them; false for another one. */
  #pushes(op: number): boolean {
    const cursor = this.#cursor;
    switch (op) {
      case Op.none:
        return this.#push(null);
      case Op.newTrue:
        return this.#push(true);
      case Op.newFalse:
        return this.#push(false);
      case Op.binInt:
        return this.#push(cursor.int32());
      case Op.binInt1:
        return this.#push(cursor.uint8());
      case Op.binInt2:
        return this.#push(cursor.uint16());
      case Op.long1:
        return this.#push(this.#integer(cursor.uint8()));
      case Op.long4:
        return this.#push(this.#integer(cursor.int32()));
      case Op.binFloat:
        return this.#push(cursor.float64());
      case Op.shortBinUnicode:
        return this.#push(cursor.text(cursor.uint8()));
      case Op.binUnicode:
        return this.#push(cursor.text(cursor.uint32()));
      case Op.binUnicode8:
        return this.#push(cursor.text(cursor.uint64()));
      case Op.shortBinBytes:
        return this.#push(cursor.bytes(cursor.uint8()));
      case Op.binBytes:
        return this.#push(cursor.bytes(cursor.uint32()));
      case Op.binBytes8:
      case Op.byteArray8:
        return this.#push(cursor.bytes(cursor.uint64()));
      case Op.emptyList:
      case Op.emptyTuple:
        return this.#push([]);
      case Op.emptyDict:
        return this.#push(new Map());
      case Op.emptySet:
        return this.#push(new Set());
      default:
        return false;
    }
  }

  /** Instructions that make values of those on the stack; false for another one. */
  #builds(op: number): boolean {
    switch (op) {
      case Op.mark:
        this.#stack.mark();
        return true;
      case Op.pop:
        this.#stack.drop();
        return true;
      case Op.popMark:
        this.#stack.popMark();
        return true;
      case Op.tuple:
        return this.#push(this.#stack.popMark());
      case Op.tuple1:
        return this.#push(this.#stack.popItems(1));
      case Op.tuple2:
        return this.#push(this.#stack.popItems(2));
      case Op.tuple3:
        return this.#push(this.#stack.popItems(3));
      case Op.frozenSet:
        return this.#push(new Set(this.#stack.popMark()));
      case Op.append:
        return this.#append(this.#stack.popItems(1));
      case Op.appends:
        return this.#append(this.#stack.popMark());
      case Op.setItem:
        return this.#setItems(this.#stack.popItems(2));
      case Op.setItems:
        return this.#setItems(this.#stack.popMark());
      case Op.addItems: {
        const items = this.#stack.popMark();
        const set = this.#stack.top();
        if (!(set instanceof Set)) throw this.#cursor.error('only a set gets items', set);
        for (const item of items) set.add(item);
        return true;
      }
      default:
        return false;
    }
  }

  /** Instructions about the memo, and about what has a name outside of the pickle; false for another one. */
  #names(op: number): boolean {
    const cursor = this.#cursor;
    switch (op) {
      case Op.proto: {
        const version = cursor.uint8();
        if (version >= 2 && version <= 5) return true;
        throw cursor.error('the protocol of a pickle must be from 2 to 5', version);
      }
      case Op.frame:
        // Where the next frame begins is of use for those alone who read in pieces.
        cursor.uint64();
        return true;
      case Op.binPut:
        return this.#put(cursor.uint8());
      case Op.longBinPut:
        return this.#put(cursor.uint32());
      case Op.memoize:
        return this.#put(this.#memo.size);
      case Op.binGet:
        return this.#get(cursor.uint8());
      case Op.longBinGet:
        return this.#get(cursor.uint32());
      case Op.global:
        return this.#push(this.#find(cursor.line(), cursor.line()));
      case Op.stackGlobal: {
        const [module, name] = this.#stack.popItems(2);
        if (typeof module !== 'string' || typeof name !== 'string')
          throw cursor.error('a module and a name must be text', [module, name]);
        return this.#push(this.#find(module, name));
      }
      case Op.reduce:
        return this.#push(this.#call());
      case Op.build: {
        // Attributes of a dict, as the versions of the modules in a state dict, are no part of its items.
        this.#stack.pop();
        const object = this.#stack.top();
        if (!(object instanceof Map)) throw cursor.error('only a dict gets attributes', object);
        return true;
      }
      case Op.binPersId: {
        const id = this.#stack.pop();
        return this.#push(this.#surroundings.load(id, (...details) => cursor.error(...details)));
      }
      default:
        return false;
    }
  }

  #push(value: unknown): true {
    this.#stack.push(value);
    return true;
  }

  #append(items: readonly unknown[]): true {
    const list = this.#stack.top();
    if (!Array.isArray(list)) throw this.#cursor.error('only a list is appended to', list);
    for (const item of items) list.push(item);
    return true;
  }

  #setItems(items: readonly unknown[]): true {
    const dict = this.#stack.top();
    if (!(dict instanceof Map)) throw this.#cursor.error('only a dict gets keys', dict);
    if (items.length % 2 !== 0) throw this.#cursor.error('each key must have a value');
    for (let i = 0; i < items.length; i += 2) dict.set(items[i], items[i + 1]);
    return true;
  }

  #put(place: number): true {
    this.#memo.set(place, this.#stack.top());
    return true;
  }

  #get(place: number): true {
    if (!this.#memo.has(place))
      throw this.#cursor.error('nothing has been put into the memo at this place', place);
    return this.#push(this.#memo.get(place));
  }

  #integer(length: number): number | bigint {
    if (length >= 0 && length <= MOST_INTEGER) return integerOf(this.#cursor.bytes(length));
    throw this.#cursor.error(`an integer may have ${MOST_INTEGER} bytes`, length);
  }

  #find(module: string, name: string): Global {
    // The name in Python 2, which protocol 2 has.
    const full = `${module === '__builtin__' ? 'builtins' : module}.${name}`;
    const found = this.#surroundings.find(full);
    if (!found) throw this.#cursor.error(this.#surroundings.refusal(full));
    return found;
  }

  #call(): unknown {
    const [callee, args] = this.#stack.popItems(2);
    const cursor = this.#cursor;
    if (!(callee instanceof Global) || !callee.call) {
      const called = callee instanceof Global ? callee.name : callee;
      throw cursor.error('only functions that make data are called', called);
    }
    if (!Array.isArray(args)) throw cursor.error('arguments must be a tuple', args);
    return callee.call({
      args,
      error: (...details) => cursor.error(...details),
      copies: (items) => {
        this.#copies -= items;
        if (this.#copies < 0) throw cursor.error('the pickle has more copied than it holds');
      },
    });
  }
}
