/** A message of Protocol Buffers, encoded field by field (protobuf.dev/programming-guides/encoding). */
export class Message {
  readonly #parts: Uint8Array[] = [];
  #size = 0;

  /** An integer that is not negative. */
  int(field: number, value: number): this {
    return this.#add(varint(8 * field), varint(value));
  }

  float(field: number, value: number): this {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setFloat32(0, value, true);
    return this.#add(varint(8 * field + 5), bytes);
  }

  bytes(field: number, value: Uint8Array): this {
    return this.#add(varint(8 * field + 2), varint(value.byteLength), value);
  }

  text(field: number, value: string): this {
    return this.bytes(field, new TextEncoder().encode(value));
  }

  message(field: number, value: Message): this {
    this.#add(varint(8 * field + 2), varint(value.#size), ...value.#parts);
    return this;
  }

  encode(): Uint8Array {
    return Buffer.concat(this.#parts, this.#size);
  }

  #add(...parts: readonly Uint8Array[]): this {
    for (const part of parts) {
      this.#parts.push(part);
      this.#size += part.byteLength;
    }
    return this;
  }
}

/** Seven bits to a byte, the lowest first; the high bit says that more follow. */
function varint(value: number): Uint8Array {
  if (!Number.isSafeInteger(value) || value < 0)
    throw new Error(`bench: ${value} has no place in an ONNX file`);
  const bytes: number[] = [];
  let left = value;
  for (; left > 127; left = Math.floor(left / 128)) bytes.push((left % 128) + 128);
  return Uint8Array.of(...bytes, left);
}
