import type { Call, OpRecord, WeightPacking } from '../../graph/op.js';
import type { Shape } from '../../graph/shapes.js';
import { Tensor } from '../../graph/tensor.js';

type Plain = NonNullable<Call['attributes']>;

/** How a kernel packs its weight. */
interface Packer {
  /** The kernel that does it. */
  readonly kernel: string;
  /** The operand of the call besides the weight. */
  readonly source: string;
  /** The attributes of both calls. */
  readonly attributes: Plain;
  /** What the packer needs to know of the call, and what the packed weight does not depend on but by its layout. */
  readonly sizes: Plain;
}

class PackAttributes {
  constructor(
    readonly packer: Packer,
    readonly packing: WeightPacking,
  ) {}

  /** Attributes are compared as JSON: calls of several sizes may share a packed weight. */
  toJSON() {
    const { kernel, attributes } = this.packer;
    return { kernel, attributes, ...this.packing };
  }
}

/** A weight that is packed once for many calls: elements that only its kernel can read. */
export const packOp: OpRecord<PackAttributes> = {
  kind: 'pack',
  type: ([weight], { packing }) => ({ shape: [packing.elements], dtype: (weight as Tensor).dtype }),
  grad: null,
  kernel: {
    family: 'call',
    call: ({ attributes: { packer } }) => ({
      kernel: packer.kernel,
      inputs: ['weight'],
      attributes: { ...packer.attributes, ...packer.sizes },
    }),
  },
  cost: () => 0,
};

interface PackedAttributes {
  readonly kernel: string;
  readonly source: string;
  readonly strided: Call['strided'];
  readonly attributes: Plain;
  readonly shape: Shape;
  readonly flops: number;
}

/** What a kernel computes with a packed weight. */
export const packedOp: OpRecord<PackedAttributes> = {
  kind: 'packed',
  type: ([source], { shape }) => ({ shape, dtype: (source as Tensor).dtype }),
  grad: null,
  kernel: {
    family: 'call',
    call: ({ attributes: { kernel, source, strided, attributes } }) => ({
      kernel,
      inputs: [source, 'packed'],
      attributes,
      ...(strided && { strided }),
    }),
  },
  cost: ({ attributes }) => attributes.flops,
};

/** The value of a call of a kernel, from a packed weight in place of its second input. */
export function packed<A>(node: Tensor<A>, packing: WeightPacking, packer: Packer): Tensor {
  const { op, shape } = node;
  if (op.kernel.family !== 'call') throw new Error('pack: the op must call a kernel');
  const weight = node.input(1);
  const made = new Tensor(packOp, [weight], new PackAttributes(packer, packing));
  const { kernel, strided } = op.kernel.call(node);
  return new Tensor(packedOp, [node.input(0), made], {
    kernel,
    strided,
    source: packer.source,
    attributes: { ...packer.attributes, weightShape: weight.shape },
    shape,
    flops: op.cost(node),
  });
}
