import { Cursor } from './cursor.js';
import { Global, type Surroundings } from './globals.js';
import { Instruction, nameOf } from './instructions.js';
import { integerOf } from './integers.js';
import { Stack } from './stack.js';

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
    let next = this.#cursor.instruction();
    while (next !== Instruction.stop) {
      if (!this.#pushes(next) && !this.#builds(next) && !this.#names(next))
        throw this.#cursor.error(`the instruction ${nameOf(next)} is refused, which plain data do not take`);
      next = this.#cursor.instruction();
    }
    const value = this.#stack.pop();
    if (this.#stack.length > 0) throw this.#cursor.error('one value must be left', this.#stack.length + 1);
    this.#cursor.end();
    return value;
  }

  /** Instructions that push a value which stands in them; false for another one. */
  #pushes(instruction: number): boolean {
    const cursor = this.#cursor;
    switch (instruction) {
      case Instruction.none:
        return this.#push(null);
      case Instruction.newTrue:
        return this.#push(true);
      case Instruction.newFalse:
        return this.#push(false);
      case Instruction.binInt:
        return this.#push(cursor.int32());
      case Instruction.binInt1:
        return this.#push(cursor.uint8());
      case Instruction.binInt2:
        return this.#push(cursor.uint16());
      case Instruction.long1:
        return this.#push(this.#integer(cursor.uint8()));
      case Instruction.long4:
        return this.#push(this.#integer(cursor.int32()));
      case Instruction.binFloat:
        return this.#push(cursor.float64());
      case Instruction.shortBinUnicode:
        return this.#push(cursor.text(cursor.uint8()));
      case Instruction.binUnicode:
        return this.#push(cursor.text(cursor.uint32()));
      case Instruction.binUnicode8:
        return this.#push(cursor.text(cursor.uint64()));
      case Instruction.shortBinBytes:
        return this.#push(cursor.bytes(cursor.uint8()));
      case Instruction.binBytes:
        return this.#push(cursor.bytes(cursor.uint32()));
      case Instruction.binBytes8:
      case Instruction.byteArray8:
        return this.#push(cursor.bytes(cursor.uint64()));
      case Instruction.emptyList:
      case Instruction.emptyTuple:
        return this.#push([]);
      case Instruction.emptyDict:
        return this.#push(new Map());
      case Instruction.emptySet:
        return this.#push(new Set());
      default:
        return false;
    }
  }

  /** Instructions that make values of those on the stack; false for another one. */
  #builds(instruction: number): boolean {
    switch (instruction) {
      case Instruction.mark:
        this.#stack.mark();
        return true;
      case Instruction.pop:
        this.#stack.drop();
        return true;
      case Instruction.popMark:
        this.#stack.popMark();
        return true;
      case Instruction.tuple:
        return this.#push(this.#stack.popMark());
      case Instruction.tuple1:
        return this.#push(this.#stack.popItems(1));
      case Instruction.tuple2:
        return this.#push(this.#stack.popItems(2));
      case Instruction.tuple3:
        return this.#push(this.#stack.popItems(3));
      case Instruction.frozenSet:
        return this.#push(new Set(this.#stack.popMark()));
      case Instruction.append:
        return this.#append(this.#stack.popItems(1));
      case Instruction.appends:
        return this.#append(this.#stack.popMark());
      case Instruction.setItem:
        return this.#setItems(this.#stack.popItems(2));
      case Instruction.setItems:
        return this.#setItems(this.#stack.popMark());
      case Instruction.addItems: {
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
  #names(instruction: number): boolean {
    const cursor = this.#cursor;
    switch (instruction) {
      case Instruction.proto: {
        const version = cursor.uint8();
        if (version >= 2 && version <= 5) return true;
        throw cursor.error('the protocol of a pickle must be from 2 to 5', version);
      }
      case Instruction.frame:
        // Where the next frame begins is of use for those alone who read in pieces.
        cursor.uint64();
        return true;
      case Instruction.binPut:
        return this.#put(cursor.uint8());
      case Instruction.longBinPut:
        return this.#put(cursor.uint32());
      case Instruction.memoize:
        return this.#put(this.#memo.size);
      case Instruction.binGet:
        return this.#get(cursor.uint8());
      case Instruction.longBinGet:
        return this.#get(cursor.uint32());
      case Instruction.global:
        return this.#push(this.#find(cursor.line(), cursor.line()));
      case Instruction.stackGlobal: {
        const [module, name] = this.#stack.popItems(2);
        if (typeof module !== 'string' || typeof name !== 'string')
          throw cursor.error('a module and a name must be text', [module, name]);
        return this.#push(this.#find(module, name));
      }
      case Instruction.reduce:
        return this.#push(this.#call());
      case Instruction.build: {
        // Attributes of a dict, as the versions of the modules in a state dict, are no part of its items.
        this.#stack.pop();
        const object = this.#stack.top();
        if (!(object instanceof Map)) throw cursor.error('only a dict gets attributes', object);
        return true;
      }
      case Instruction.binPersId: {
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
