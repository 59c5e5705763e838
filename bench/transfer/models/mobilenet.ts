import { type DType, nn, type Tensor } from '../../../lib/index.js';

interface ConvShape {
  readonly inputs: number;
  readonly outputs: number;
  readonly kernel: number;
  readonly stride?: number;
  readonly groups?: number;
  readonly dtype: DType;
}

/** A convolution without a bias, batch normalisation, and ReLU6. */
function convBnReLU6({ inputs, outputs, kernel, stride = 1, groups = 1, dtype }: ConvShape): nn.Sequential {
  const padding = (kernel - 1) / 2;
  return new nn.Sequential(
    new nn.Conv2d(inputs, outputs, kernel, { stride, padding, groups, bias: false, dtype }),
    new nn.BatchNorm2d(outputs, { dtype }),
    new nn.ReLU6(),
  );
}

/** A 1x1 convolution to more channels, a depthwise one, and a 1x1 convolution back, with a residual where shapes agree. */
class InvertedResidual extends nn.Module {
  readonly conv: nn.Sequential;
  readonly #isResidual: boolean;

  constructor(inputs: number, outputs: number, stride: number, expansion: number, dtype: DType) {
    super();
    const hidden = inputs * expansion;
    const expand = convBnReLU6({ inputs, outputs: hidden, kernel: 1, dtype });
    this.conv = new nn.Sequential(
      ...(expansion === 1 ? [] : [expand]),
      convBnReLU6({ inputs: hidden, outputs: hidden, kernel: 3, stride, groups: hidden, dtype }),
      new nn.Conv2d(hidden, outputs, 1, { bias: false, dtype }),
      new nn.BatchNorm2d(outputs, { dtype }),
    );
    this.#isResidual = stride === 1 && inputs === outputs;
  }

  forward(x: Tensor): Tensor {
    const inner = this.conv.forward(x);
    return this.#isResidual ? inner.add(x) : inner;
  }
}

/** A stage's expansion, channels, number of blocks, and stride of the first of them. */
export type MobileNetStage = readonly [expansion: number, outputs: number, count: number, stride: number];

export interface MobileNetShape {
  /** Number of channels of the first convolution. */
  readonly first: number;
  readonly stages: readonly MobileNetStage[];
  /** Number of features that are classified. */
  readonly last: number;
  readonly classes: number;
}

/** MobileNetV2 (Sandler et al. 2018) with the names of torchvision: [N, H, W, 3] -> [N, classes] */
export class MobileNetV2 extends nn.Module {
  readonly features: nn.Sequential;
  readonly classifier: nn.Sequential;

  constructor({ first, stages, last, classes }: MobileNetShape, dtype: DType = 'float32') {
    super();
    const blocks: nn.Module[] = [];
    let inputs = first;
    for (const [expansion, outputs, count, stride] of stages) {
      for (let i = 0; i < count; i++) {
        blocks.push(new InvertedResidual(inputs, outputs, i === 0 ? stride : 1, expansion, dtype));
        inputs = outputs;
      }
    }
    this.features = new nn.Sequential(
      convBnReLU6({ inputs: 3, outputs: first, kernel: 3, stride: 2, dtype }),
      ...blocks,
      convBnReLU6({ inputs, outputs: last, kernel: 1, dtype }),
    );
    this.classifier = new nn.Sequential(new nn.Dropout(0), new nn.Linear(last, classes, { dtype }));
  }

  forward(images: Tensor): Tensor {
    return this.classifier.forward(this.features.forward(images).mean([1, 2]));
  }

  /** Freezes the first layers, with their statistics. */
  freezeFirst(count: number): this {
    for (const [name, layer] of this.features.namedChildren()) if (Number(name) < count) layer.freeze();
    return this;
  }
}
