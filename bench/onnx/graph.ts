import { Message } from './message.js';

/** The name of a value in a graph of ONNX. */
export type ValueName = string;

/** Integers, floats (written with `float`), lists of integers, or text. */
export type Attribute = number | { readonly float: number } | readonly number[] | string;

/** An axis: its length, or a name if it differs between runs. */
export type Axis = number | string;

// Numbers from onnx.proto: formats, element types and types of attributes.
const IR_VERSION = 10;
const OPSET = 23;
const ELEMENTS = { float32: 1, int64: 7 } as const;
const ATTRIBUTES = { float: 1, int: 2, string: 3, ints: 7 } as const;

/** A graph of ONNX with one input and one output, to which nodes are added. `encode` makes a model of it. */
export class OnnxGraph {
  readonly #graph = new Message();
  #values = 0;

  /** Declares the input. */
  input(name: ValueName, dtype: keyof typeof ELEMENTS, shape: readonly Axis[]): ValueName {
    this.#graph.message(11, valueInfo(name, dtype, shape));
    return name;
  }

  /** Adds a constant: float32 values, or integers, which are stored as int64. */
  constant(values: Float32Array | readonly number[], shape: readonly number[]): ValueName {
    const name = this.#newName();
    const floats = values instanceof Float32Array;
    const array = floats ? values : BigInt64Array.from(values, BigInt);
    const tensor = new Message();
    for (const length of shape) tensor.int(1, length);
    tensor
      .int(2, floats ? ELEMENTS.float32 : ELEMENTS.int64)
      .text(8, name)
      .bytes(9, new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
    this.#graph.message(5, tensor);
    return name;
  }

  /** Adds a node and returns its output. */
  node(
    op: string,
    inputs: readonly ValueName[],
    attributes: Readonly<Record<string, Attribute>> = {},
  ): ValueName {
    return this.nodes(op, inputs, 1, attributes)[0] as ValueName;
  }

  /** Adds a node with several outputs. */
  nodes(
    op: string,
    inputs: readonly ValueName[],
    count: number,
    attributes: Readonly<Record<string, Attribute>> = {},
  ): ValueName[] {
    const outputs = Array.from({ length: count }, () => this.#newName());
    const node = new Message();
    for (const name of inputs) node.text(1, name);
    for (const name of outputs) node.text(2, name);
    node.text(4, op);
    for (const [name, value] of Object.entries(attributes)) node.message(5, attribute(name, value));
    this.#graph.message(1, node);
    return outputs;
  }

  /** The bytes of a model file with this graph. */
  encode(output: ValueName): Uint8Array {
    this.#graph.message(12, valueInfo(output, 'float32')).text(2, 'model');
    return new Message()
      .int(1, IR_VERSION)
      .text(2, 'chainrule')
      .message(8, new Message().text(1, '').int(2, OPSET))
      .message(7, this.#graph)
      .encode();
  }

  #newName(): ValueName {
    return `v${this.#values++}`;
  }
}

/** @param axes left out, if the reader is to find them */
function valueInfo(name: ValueName, dtype: keyof typeof ELEMENTS, axes?: readonly Axis[]): Message {
  const tensor = new Message().int(1, ELEMENTS[dtype]);
  if (axes) tensor.message(2, shapeOf(axes));
  return new Message().text(1, name).message(2, new Message().message(1, tensor));
}

function shapeOf(axes: readonly Axis[]): Message {
  const shape = new Message();
  for (const axis of axes) {
    shape.message(1, typeof axis === 'number' ? new Message().int(1, axis) : new Message().text(2, axis));
  }
  return shape;
}

function attribute(name: string, value: Attribute): Message {
  const message = new Message().text(1, name);
  if (typeof value === 'number') return message.int(3, value).int(20, ATTRIBUTES.int);
  if (typeof value === 'string') return message.text(4, value).int(20, ATTRIBUTES.string);
  if ('float' in value) return message.float(2, value.float).int(20, ATTRIBUTES.float);
  for (const item of value) message.int(8, item);
  return message.int(20, ATTRIBUTES.ints);
}
