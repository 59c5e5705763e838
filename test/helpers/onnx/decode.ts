// Reads ONNX files: the parts of onnx.proto that tests look at, decoded from the bytes without the code that writes
// them.

/** The fields of a message of Protocol Buffers: a number, or bytes, of each occurrence in order. */
type Fields = Map<number, (bigint | Uint8Array)[]>;

export type AttributeValue = number | string | readonly number[];

export interface OnnxNode {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, AttributeValue>>;
}

export interface OnnxValues {
  readonly shape: readonly number[];
  readonly values: Float32Array | Int32Array;
}

export interface OnnxModel {
  readonly opset: number;
  readonly nodes: readonly OnnxNode[];
  readonly constants: ReadonlyMap<string, OnnxValues>;
  readonly input: {
    readonly name: string;
    readonly element: number;
    readonly axes: readonly (number | string)[];
  };
  readonly output: string;
}

export function decodeModel(bytes: Uint8Array): OnnxModel {
  const model = fieldsOf(bytes);
  const graph = fieldsOf(bytesAt(model, 7));
  const constants = all(graph, 5).map((tensor) => {
    const fields = fieldsOf(tensor);
    return [textAt(fields, 8), valuesOf(fields)] as const;
  });
  return {
    opset: numberAt(fieldsOf(bytesAt(model, 8)), 2),
    nodes: all(graph, 1).map(nodeOf),
    constants: new Map(constants),
    input: inputOf(fieldsOf(bytesAt(graph, 11))),
    output: textAt(fieldsOf(bytesAt(graph, 12)), 1),
  };
}

function nodeOf(bytes: Uint8Array): OnnxNode {
  const fields = fieldsOf(bytes);
  const texts = (field: number) => all(fields, field).map((text) => new TextDecoder().decode(text));
  return {
    op: textAt(fields, 4),
    inputs: texts(1),
    outputs: texts(2),
    attributes: Object.fromEntries(all(fields, 5).map(attributeOf)),
  };
}

function attributeOf(bytes: Uint8Array): [string, AttributeValue] {
  const fields = fieldsOf(bytes);
  const name = textAt(fields, 1);
  const kind = numberAt(fields, 20);
  if (kind === 1) return [name, viewOf(bytesAt(fields, 2)).getFloat32(0, true)];
  if (kind === 2) return [name, numberAt(fields, 3)];
  if (kind === 3) return [name, textAt(fields, 4)];
  if (kind === 7) return [name, (fields.get(8) ?? []).map(Number)];
  throw new Error(`attribute ${name} is of kind ${kind}`);
}

function valuesOf(fields: Fields): OnnxValues {
  const shape = (fields.get(1) ?? []).map(Number);
  const raw = new Uint8Array(bytesAt(fields, 9));
  const element = numberAt(fields, 2);
  if (element === 1) return { shape, values: new Float32Array(raw.buffer) };
  if (element === 7) return { shape, values: Int32Array.from(new BigInt64Array(raw.buffer), Number) };
  throw new Error(`a constant has elements of kind ${element}`);
}

function inputOf(fields: Fields): OnnxModel['input'] {
  const tensor = fieldsOf(bytesAt(fieldsOf(bytesAt(fields, 2)), 1));
  const axes = all(fieldsOf(bytesAt(tensor, 2)), 1).map((axis) => {
    const length = fieldsOf(axis);
    return length.has(1) ? numberAt(length, 1) : textAt(length, 2);
  });
  return { name: textAt(fields, 1), element: numberAt(tensor, 1), axes };
}

function fieldsOf(bytes: Uint8Array): Fields {
  const fields: Fields = new Map();
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++];
      if (byte === undefined) throw new Error('the message ends in the middle of a field');
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  const take = (length: number): Uint8Array => {
    if (at + length > bytes.length) throw new Error('the message ends in the middle of a field');
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const tag = Number(varint());
    const wire = tag & 7;
    if (![0, 2, 5].includes(wire)) throw new Error(`a field of wire type ${wire}`);
    const value = wire === 0 ? varint() : take(wire === 5 ? 4 : Number(varint()));
    fields.set(tag >> 3, [...(fields.get(tag >> 3) ?? []), value]);
  }
  return fields;
}

function all(fields: Fields, field: number): Uint8Array[] {
  return (fields.get(field) ?? []) as Uint8Array[];
}

function bytesAt(fields: Fields, field: number): Uint8Array {
  const [bytes] = all(fields, field);
  if (!(bytes instanceof Uint8Array)) throw new Error(`field ${field} is missing`);
  return bytes;
}

function numberAt(fields: Fields, field: number): number {
  const [value] = fields.get(field) ?? [];
  if (typeof value !== 'bigint') throw new Error(`field ${field} is missing`);
  return Number(value);
}

function textAt(fields: Fields, field: number): string {
  return new TextDecoder().decode(bytesAt(fields, field));
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
