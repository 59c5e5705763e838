import { type ChainruleError, invalid } from '../../../graph/errors.js';

/** Reads the bytes of a pickle from the front to the back; what they lack is refused before memory is asked for. */
export class Cursor {
  /** What errors begin with. */
  readonly #label: string;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;
  /** Where the instruction begins that is being read. */
  #start = 0;

  constructor(label: string, bytes: Uint8Array) {
    this.#label = label;
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** The next instruction. */
  instruction(): number {
    this.#start = this.#at;
    return this.uint8();
  }

  /** Throws unless the pickle ends here. */
  end(): void {
    const rest = this.#bytes.length - this.#at;
    if (rest > 0) throw this.error(`${rest} bytes follow the end of the pickle`);
  }

  uint8(): number {
    return this.#view.getUint8(this.#skip(1));
  }

  uint16(): number {
    return this.#view.getUint16(this.#skip(2), true);
  }

  uint32(): number {
    return this.#view.getUint32(this.#skip(4), true);
  }

  int32(): number {
    return this.#view.getInt32(this.#skip(4), true);
  }

  /** A length; one past 2^53 is past the end in any case. */
  uint64(): number {
    return Number(this.#view.getBigUint64(this.#skip(8), true));
  }

  float64(): number {
    return this.#view.getFloat64(this.#skip(8), false);
  }

  /** A copy of the next bytes. */
  bytes(length: number): Uint8Array {
    const start = this.#skip(length);
    return this.#bytes.slice(start, start + length);
  }

  text(length: number): string {
    const start = this.#skip(length);
    return this.#decode(start, start + length);
  }

  /** A text that ends with its line. */
  line(): string {
    const start = this.#at;
    const end = this.#bytes.indexOf(0x0a, start);
    if (end < 0) throw this.error('a line has no end');
    this.#at = end + 1;
    return this.#decode(start, end);
  }

  /** The error for the instruction that is being read. */
  error(rule: string, ...received: [received?: unknown]): ChainruleError {
    return invalid(this.#label, `at byte ${this.#start}, ${rule}`, ...received);
  }

  #decode(start: number, end: number): string {
    try {
      return utf8.decode(this.#bytes.subarray(start, end));
    } catch {
      throw this.error('a text must be UTF-8');
    }
  }

  /** Moves on; gives the place before. */
  #skip(length: number): number {
    const start = this.#at;
    if (length > this.#bytes.length - start)
      throw this.error(`${length} bytes must follow`, this.#bytes.length - start);
    this.#at += length;
    return start;
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
